/** How each class looks on the screen: a colour, and a pattern beside it where there are several. */

/** Where nothing is known. */
export const IGNORE = 255;
export const TILE = 8;

const PATTERNS = [
  () => true,
  (x, y) => ((x + y) & 7) < 4,
  (x, y) => (x & 3) < 2 && (y & 3) < 2,
  (x, y) => (y & 7) < 4,
  (x, y) => (x & 7) < 4,
  (x, y) => ((x - y) & 7) < 4,
  (x, y) => (((x >> 2) ^ (y >> 2)) & 1) === 0,
];
// Outlines are dashed instead, eight px to a round: one bit each.
const DASHES = [0b11111111, 0b00001111, 0b00110011, 0b00111111, 0b00000011, 0b01110111, 0b00010001];
const PALE = 0.3;
const HALO = rgba([0, 0, 0], 0.55);
const UNKNOWN = [128, 128, 128];
const WHITE = [255, 255, 255];
// (0.175 + 0.05) / (0 + 0.05) = 4.5
const LEAST_LUMINANCE = 0.175;

/** Four bytes as canvases of little-endian machines hold them; all that browsers run on are. */
export function rgba([red, green, blue], alpha) {
  return ((Math.round(255 * alpha) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** Which classes a label says: of codes one bit each, of indices the one. */
function classesOf(label, classes, isOverlapping) {
  if (label === 0 || label === IGNORE) return [];
  const has = isOverlapping
    ? (each) => (label >> (each.index - 1)) & 1
    : (each) => each.index === label;
  return classes.filter((each) => each.index > 0 && has(each));
}

/** The pattern of a class: its place among the classes, in turn. */
function patternOf(classes, index) {
  const found = classes.filter((each) => each.index > 0);
  if (found.length < 2) return 0;
  return found.findIndex((each) => each.index === index) % PATTERNS.length;
}

/**
 * Tables from a label and a place in a tile of 8 x 8 to four bytes.
 *
 * `seen` gives each label without the hidden classes. Where classes overlap their stripes lie
 * side by side.
 */
export function paletteOf(classes, { isOverlapping, hidden, opacity, style }) {
  const seen = new Uint8Array(256);
  const fill = new Uint32Array(256 * TILE * TILE);
  const edge = new Uint32Array(256 * TILE * TILE);
  const strong = Math.min(1, 2 * opacity);
  for (let label = 1; label < 256; label += 1) {
    const shown = classesOf(label, classes, isOverlapping).filter(
      (each) => !hidden.has(each.index),
    );
    seen[label] = label === IGNORE ? IGNORE : codeOf(shown, isOverlapping);
    if (shown.length === 0 && label !== IGNORE) continue;
    for (let y = 0; y < TILE; y += 1) {
      for (let x = 0; x < TILE; x += 1) {
        const { colour, isFull, isDash } = mark(label, shown, classes, x, y);
        const at = (label * TILE + y) * TILE + x;
        if (style === "fill") fill[at] = rgba(colour, isFull ? opacity : opacity * PALE);
        edge[at] = rgba(isDash ? lifted(colour) : WHITE, strong);
      }
    }
  }
  return { seen, fill, edge, halo: opacity > 0 ? HALO : 0 };
}

function codeOf(shown, isOverlapping) {
  if (!isOverlapping) return shown.length ? shown[0].index : 0;
  return shown.reduce((code, each) => code | (1 << (each.index - 1)), 0);
}

/** The colour, mixed with white until it stands out 4.5:1 from the dark line around outlines. */
export function lifted(colour) {
  let white = 0;
  const mixed = () => colour.map((each) => Math.round(each + (255 - each) * white));
  while (luminance(mixed()) < LEAST_LUMINANCE) white += 0.05;
  return mixed();
}

/** Relative luminance of sRGB. Source: WCAG 2.2. */
function luminance(colour) {
  const [red, green, blue] = colour.map((each) => {
    const share = each / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function mark(label, shown, classes, x, y) {
  if (label === IGNORE) {
    const isFull = ((x + y) & 3) < 2;
    return { colour: UNKNOWN, isFull, isDash: isFull };
  }
  const each = shown[((x + y) >> 2) % shown.length];
  const pattern = patternOf(classes, each.index);
  // Along rows, columns and both diagonals this place runs through more than one of the eight.
  const isDash = ((DASHES[pattern] >> ((x + 3 * y) & 7)) & 1) === 1;
  return { colour: each.colour, isFull: PATTERNS[pattern](x, y), isDash };
}

/** A small picture of what a class looks like, for legends. */
export function swatch(classes, index, size = 24) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const look = { isOverlapping: false, hidden: new Set(), opacity: 1, style: "fill" };
  const { fill } = paletteOf(classes, look);
  const data = new ImageData(size, size);
  const pixels = new Uint32Array(data.data.buffer);
  for (let at = 0; at < pixels.length; at += 1) {
    pixels[at] = fill[(index * TILE + (Math.floor(at / size) & 7)) * TILE + ((at % size) & 7)];
  }
  canvas.getContext("2d").putImageData(data, 0, 0);
  return canvas;
}
