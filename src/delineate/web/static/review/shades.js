/** Grey levels of a picture, for fills that follow them. */

import { askBlob, askBuffer } from "../api.js";

const RGBA = 4;

/**
 * A function that reads them once, when they are first needed.
 *
 * @returns {() => Promise<{shades: Uint8Array | Uint16Array, channels: number, levels: number}>}
 *   `levels` of the shown range, from black to white
 */
export function readShades(found, viewer) {
  let asked = null;
  return async () => {
    asked ??= read(found);
    const { shades, channels } = await asked;
    const { slope, window } = { slope: found.image.slope, window: viewer.window };
    const levels = found.image.shades === "uint16" ? (window.high - window.low) / Math.abs(slope) : 255;
    return { shades, channels, levels };
  };
}

async function read({ image, links }) {
  if (image.shades === "uint16") return { shades: new Uint16Array(await askBuffer(links.shades)), channels: 1 };
  const bitmap = await createImageBitmap(await askBlob(links.shades), { colorSpaceConversion: "none" });
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  return { shades: new Uint8Array(data.buffer), channels: RGBA };
}
