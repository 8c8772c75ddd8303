/** Small pictures of results: the image under the outline of what was found. */

import { askBlob, askBuffer } from "../api.js";

const SIDE_PX = 144;

/**
 * Draws a prediction into a canvas of `SIDE_PX`, in the colours of its classes.
 * @param {HTMLCanvasElement} canvas
 * @param {object} prediction a PredictionDocument
 */
export async function drawThumbnail(canvas, prediction) {
  const { image, links, classes } = prediction;
  const scale = SIDE_PX / Math.max(image.height_px, image.width_px);
  const width = Math.max(1, Math.round(image.width_px * scale));
  const height = Math.max(1, Math.round(image.height_px * scale));
  const [shades, labels] = await Promise.all([
    image.shades === "uint16" ? greys(links.shades, image) : askBlob(links.shades),
    askBlob(links.labels),
  ]);
  const size = { resizeWidth: width, resizeHeight: height };
  const picture = await createImageBitmap(shades, { ...size, resizeQuality: "high" });
  const marks = await createImageBitmap(labels, { ...size, resizeQuality: "pixelated" });
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(marks, 0, 0);
  const found = context.getImageData(0, 0, width, height).data;
  context.drawImage(picture, 0, 0);
  const shown = context.getImageData(0, 0, width, height);
  if (!prediction.is_overlapping) outline(shown, found, classes);
  context.putImageData(shown, 0, 0);
}

async function greys(address, { width_px, height_px, slope, intercept, window }) {
  const stored = new Uint16Array(await askBuffer(address));
  const pixels = new ImageData(width_px, height_px);
  const range = Math.max(window.high - window.low, Number.EPSILON);
  for (let place = 0; place < stored.length; place += 1) {
    const grey = (255 * (slope * stored[place] + intercept - window.low)) / range;
    pixels.data.set([grey, grey, grey, 255], 4 * place); // clamped by its type
  }
  return pixels;
}

/** Paints pixels of a class that touch another one, two wide, in the colour of the class. */
function outline(shown, found, classes) {
  const { width, height, data } = shown;
  const at = (row, column) =>
    row < 0 || column < 0 || row >= height || column >= width ? 0 : found[4 * (row * width + column)];
  const colours = new Map(classes.map((each) => [each.index, each.colour]));
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const own = at(row, column);
      if (own === 0 || !colours.has(own) || !isEdge(at, row, column, own)) continue;
      data.set(colours.get(own), 4 * (row * width + column));
    }
  }
}

function isEdge(at, row, column, own) {
  for (const step of [-2, -1, 1, 2]) {
    if (at(row + step, column) !== own || at(row, column + step) !== own) return true;
  }
  return false;
}
