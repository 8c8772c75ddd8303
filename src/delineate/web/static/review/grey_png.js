/** Labels as an 8-bit grey PNG, exactly: a canvas would write colours. */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const GREY_8_BIT = [8, 0, 0, 0, 0]; // depth, colour type, compression, filter, interlace

/** @returns {Promise<Uint8Array>} the file */
export async function greyPng(labels, { width, height }) {
  const header = new Uint8Array(13);
  const sizes = new DataView(header.buffer);
  sizes.setUint32(0, width);
  sizes.setUint32(4, height);
  header.set(GREY_8_BIT, 8);
  const chunks = [
    Uint8Array.from(SIGNATURE),
    chunk("IHDR", header),
    chunk("IDAT", await deflated(unfiltered(labels, width, height))),
    chunk("IEND", new Uint8Array()),
  ];
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** @returns {Promise<string>} bytes as base64 */
export async function base64(bytes) {
  const address = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(new Blob([bytes]));
  });
  return address.slice(address.indexOf(",") + 1);
}

/** Rows of pixels, each after a byte that says that it is not filtered. */
function unfiltered(labels, width, height) {
  const rows = new Uint8Array((width + 1) * height);
  for (let row = 0; row < height; row += 1) {
    rows.set(labels.subarray(row * width, (row + 1) * width), row * (width + 1) + 1);
  }
  return rows;
}

async function deflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function chunk(name, data) {
  const bytes = new Uint8Array(data.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set([...name].map((letter) => letter.charCodeAt(0)), 4);
  bytes.set(data, 8);
  view.setUint32(data.length + 8, crc32(bytes.subarray(4, data.length + 8)));
  return bytes;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let bit = 0; bit < 8; bit += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/** Source: the PNG specification, annex D. */
function crc32(bytes) {
  let c = 0xffffffff;
  for (const byte of bytes) c = CRC_TABLE[(c ^ byte) & 0xff] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}
