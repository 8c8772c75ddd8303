/**
 * The picture itself, under one of two forms: a bitmap of 8 bits a colour that the browser decodes,
 * or 16-bit grey levels that are seen through a window.
 */

import { ask } from "../api.js";
import { rgba } from "./palette.js";
import { paintShades } from "./painting.js";
import { Plane, sampled } from "./plane.js";
import { wholeOf } from "./view.js";

const LEVELS = 65536;
// One more than any grey level: beyond the picture, and clear.
const OUTSIDE = LEVELS;

/** An image of 8 bits, in halves down to the size of a screen. */
class Bitmap {
  hasWindow = false;
  #levels;

  constructor(bitmap) {
    this.#levels = [bitmap];
  }

  /** Its bytes, four a pixel. */
  numbers() {
    const [bitmap] = this.#levels;
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext("2d");
    context.drawImage(bitmap, 0, 0);
    return { shades: context.getImageData(0, 0, width, height).data, channels: 4 };
  }

  paint(context, frame) {
    let level = 0;
    while (frame.scale * 2 ** (level + 1) <= 1) level += 1;
    while (this.#levels.length <= level) this.#levels.push(halved(this.#levels.at(-1)));
    const [whole, source] = [this.#levels[0], this.#levels[level]];
    context.imageSmoothingEnabled = frame.scale < 1;
    context.drawImage(
      source,
      frame.left,
      frame.top,
      whole.width * frame.scale,
      whole.height * frame.scale,
    );
  }
}

function halved(from) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, from.width >> 1);
  canvas.height = Math.max(1, from.height >> 1);
  canvas.getContext("2d").drawImage(from, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** Grey levels of 16 bits; a level is worth `slope` * level + `intercept`. */
class Levels {
  hasWindow = true;
  #plane;
  #colours = new Uint32Array(LEVELS + 1);
  #image;
  #window = null;
  #screen = null;

  constructor(levels, image) {
    const mean = (a, b, c, d) => (a + b + c + d + 2) >> 2;
    this.#plane = new Plane(levels, image.width_px, image.height_px, mean);
    this.#image = image;
  }

  /** The lowest and highest value in the picture. */
  range() {
    const { slope, intercept } = this.#image;
    let [low, high] = [LEVELS, 0];
    for (const level of this.#plane.data) {
      if (level < low) low = level;
      if (level > high) high = level;
    }
    const ends = [low * slope + intercept, high * slope + intercept];
    return { low: Math.min(...ends), high: Math.max(...ends) };
  }

  /** Its levels as they are stored. */
  numbers() {
    return { shades: this.#plane.data, channels: 1 };
  }

  /** The value of a pixel. */
  value(row, column) {
    const { slope, intercept } = this.#image;
    return this.#plane.data[row * this.#plane.width + column] * slope + intercept;
  }

  paint(context, frame, window) {
    this.#look(window);
    if (!fits(this.#screen, frame)) this.#screen = newScreen(frame, Uint32Array);
    const { grid, pixels, data, canvas } = this.#screen;
    sampled(this.#plane, frame, wholeOf(frame), grid, { outside: OUTSIDE });
    paintShades(grid, this.#colours, pixels);
    canvas.getContext("2d").putImageData(data, 0, 0);
    context.drawImage(canvas, 0, 0);
  }

  #look({ low, high }) {
    if (this.#window?.low === low && this.#window.high === high) return;
    const { slope, intercept } = this.#image;
    const breadth = Math.max(high - low, Number.EPSILON * Math.abs(high), Number.MIN_VALUE);
    for (let level = 0; level < LEVELS; level += 1) {
      const share = (level * slope + intercept - low) / breadth;
      const grey = Math.round(255 * Math.min(1, Math.max(0, share)));
      this.#colours[level] = rgba([grey, grey, grey], 1);
    }
    this.#window = { low, high };
  }
}

/** A canvas of the frame's size with its pixels, and numbers beside them. */
export function newScreen(frame, Numbers) {
  const canvas = document.createElement("canvas");
  canvas.width = frame.width;
  canvas.height = frame.height;
  const data = new ImageData(frame.width, frame.height);
  const pixels = new Uint32Array(data.data.buffer);
  return { canvas, data, pixels, grid: new Numbers(frame.width * frame.height) };
}

export function fits(screen, frame) {
  return screen?.canvas.width === frame.width && screen.canvas.height === frame.height;
}

/** What is to be seen of an ImageDocument at its address. */
export async function readShades(image, address) {
  const answer = await ask(address);
  const pixels = image.width_px * image.height_px;
  if (image.shades === "uint16") {
    const bytes = await answer.arrayBuffer();
    if (bytes.byteLength !== 2 * pixels) {
      throw new Error(`The picture came in ${bytes.byteLength} bytes, expected ${2 * pixels}.`);
    }
    return new Levels(new Uint16Array(bytes), image);
  }
  const exact = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  return new Bitmap(await createImageBitmap(await answer.blob(), exact));
}
