/** Numbers of pictures as the server sends them. */

import { askBlob, askBuffer } from "../api.js";

// Rows that are taken from a canvas at once, so that four bytes a pixel are never held of all.
const BAND_PX = 2 ** 20;

/** H * W numbers of an 8-bit grey PNG, exactly as they are written. */
export async function readGrey(address, { width_px: width, height_px: height }) {
  const exact = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  const bitmap = await createImageBitmap(await askBlob(address), exact);
  requireCount("picture", bitmap.width * bitmap.height, width * height);
  const numbers = new Uint8Array(width * height);
  const rows = Math.max(1, Math.min(height, Math.floor(BAND_PX / width)));
  const canvas = new OffscreenCanvas(width, rows);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  for (let top = 0; top < height; top += rows) {
    const here = Math.min(rows, height - top);
    context.drawImage(bitmap, 0, top, width, here, 0, 0, width, here);
    const { data } = context.getImageData(0, 0, width, here);
    for (let at = 0; at < width * here; at += 1) numbers[top * width + at] = data[4 * at];
  }
  bitmap.close();
  return numbers;
}

/** H * W float32 numbers. */
export async function readFloats(address, { width_px: width, height_px: height }) {
  const bytes = await askBuffer(address);
  requireCount("map", bytes.byteLength / 4, width * height);
  return new Float32Array(bytes);
}

function requireCount(name, found, expected) {
  if (found !== expected) {
    throw new Error(`The ${name} came with ${found} pixels, expected ${expected}.`);
  }
}
