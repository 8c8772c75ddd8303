/** Files out of a drop, a picker or the clipboard; folders are walked through. */

// As `delineate.files.formats` knows them; many DICOM files have no ending at all.
const IMAGE = /\.(png|jpe?g|jpe|jfif|tiff?|dcm|dicom|dic|ima|bmp|gif|webp)$/i;
const ENDING = /\.[a-z][a-z0-9]{0,9}$/i;
const NO_IMAGE = /^(\.|DICOMDIR$|Thumbs\.db$)/;

/**
 * Which files of a folder are taken: whatever is named like an image, or has no ending.
 * Those that somebody picked one by one are for the server to judge.
 */
export function looksLikeImage(name) {
  return !NO_IMAGE.test(name) && (IMAGE.test(name) || !ENDING.test(name));
}

/** @typedef {{images: File[], leftOut: string[]}} Gathered in the order of their names */

/** @returns {Promise<Gathered>} what was dropped */
export async function fromDrop(transfer) {
  // Entries must be taken at once: the list is empty after the first wait.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return picked(transfer.files);
  const images = [];
  const leftOut = [];
  for (const entry of entries) {
    if (entry.isFile) images.push(await fileOf(entry));
    else await walk(entry, images, leftOut);
  }
  return inOrder(images, leftOut);
}

/** @returns {Gathered} what was picked one by one */
export function picked(files) {
  return inOrder([...files], []);
}

/** @returns {Gathered} what is in a folder that was picked */
export function ofFolder(files) {
  const images = [...files].filter((file) => looksLikeImage(file.name));
  return inOrder(images, [...files].filter((file) => !images.includes(file)).map((file) => file.name));
}

/** @returns {Gathered} pictures and files of the clipboard */
export function fromClipboard(data) {
  return picked(data?.files ?? []);
}

async function walk(folder, images, leftOut) {
  for (const entry of await entriesOf(folder)) {
    if (entry.isDirectory) await walk(entry, images, leftOut);
    else if (looksLikeImage(entry.name)) images.push(await fileOf(entry));
    else leftOut.push(entry.name);
  }
}

const fileOf = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));

async function entriesOf(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) {
    // A browser gives about a hundred at a time, and none once it has given all.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}

function inOrder(images, leftOut) {
  const place = (file) => file.webkitRelativePath || file.name;
  const compare = (one, other) => place(one).localeCompare(place(other), "en", { numeric: true });
  return { images: images.sort(compare), leftOut };
}
