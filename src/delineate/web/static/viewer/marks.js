/** What lies over a picture: labels, or heat in their place, painted at the size of the screen. */

import { heatColours } from "./heat.js";
import { IGNORE, paletteOf } from "./palette.js";
import { paintHeat, paintLabels, reachOf } from "./painting.js";
import { Plane, sampled } from "./plane.js";
import { fits, newScreen } from "./shades.js";
import { isSameFrame, partOf, wholeOf } from "./view.js";

// A view that takes longer to paint follows a moving hand as it was, and is painted at rest.
const SMOOTH_MS = 12;
const REST_MS = 90;

export class Marks {
  #labels = null;
  #classes = [];
  #isOverlapping = false;
  #heat = null;
  #look = { opacity: 0.4, style: "fill", hidden: new Set() };
  #palette = null;
  #screen = null;
  #frame = null;
  #changed = [];
  #cost_ms = 0;
  #rest = 0;
  #onRest;

  /** `onRest` asks for another frame. */
  constructor(onRest) {
    this.#onRest = onRest;
  }

  get labels() {
    return this.#labels?.data ?? null;
  }

  get look() {
    return this.#look;
  }

  set look(look) {
    this.#look = look;
    this.#palette = this.#frame = null;
  }

  setLabels(labels, { width, height }, classes, isOverlapping) {
    requireSize("labels", labels, width * height);
    const join = isOverlapping ? joinedCodes : joinedIndices;
    this.#labels = new Plane(labels, width, height, join);
    this.#classes = classes;
    this.#isOverlapping = isOverlapping;
    this.#palette = this.#frame = null;
  }

  setHeat(heat, { width, height }) {
    requireSize("probability", heat, width * height);
    this.#heat = new Plane(heat, width, height, Math.max);
    this.#frame = null;
  }

  clearHeat() {
    this.#heat = this.#frame = null;
  }

  clear() {
    this.#labels = null;
    this.clearHeat();
  }

  /** Labels have changed inside `box` = [top, left, height, width]. */
  change(box) {
    this.#labels?.refresh(box);
    this.#changed.push(box);
  }

  /** Whether they are on the screen as they are, and not as they were one moment before. */
  draw(context, frame) {
    if (this.#heat === null && (this.#labels === null || this.#look.style === "none")) return true;
    if (!isSameFrame(this.#frame, frame)) this.#paintOrWait(frame);
    else if (this.#changed.length > 0) this.#paintChanges();
    const from = this.#frame;
    const zoom = frame.scale / from.scale;
    context.imageSmoothingEnabled = false;
    context.drawImage(
      this.#screen.canvas,
      frame.left - from.left * zoom,
      frame.top - from.top * zoom,
      from.width * zoom,
      from.height * zoom,
    );
    return isSameFrame(from, frame);
  }

  close() {
    clearTimeout(this.#rest);
  }

  #paintOrWait(frame) {
    const isMoving = this.#frame !== null && this.#cost_ms > SMOOTH_MS;
    if (!isMoving) {
      this.#paint(frame);
      return;
    }
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => {
      this.#frame = null;
      this.#onRest();
    }, REST_MS);
  }

  #paint(frame) {
    const start = performance.now();
    const Numbers = this.#heat === null ? Uint8Array : Float32Array;
    if (!fits(this.#screen, frame) || !(this.#screen.grid instanceof Numbers)) {
      this.#screen = newScreen(frame, Numbers);
    }
    this.#frame = frame;
    if (this.#heat === null) this.#paintLabels(wholeOf(frame));
    else this.#paintHeat();
    this.#changed = [];
    this.#cost_ms = performance.now() - start;
  }

  #paintChanges() {
    if (this.#heat === null) {
      const around = 2 * reachOf(this.#frame);
      for (const box of this.#changed) this.#paintLabels(partOf(this.#frame, box, around));
    }
    this.#changed = [];
  }

  #paintLabels(part) {
    this.#palette ??= paletteOf(this.#classes, {
      ...this.#look,
      isOverlapping: this.#isOverlapping,
    });
    const { grid, pixels } = this.#screen;
    sampled(this.#labels, this.#frame, part, grid, { table: this.#palette.seen });
    paintLabels(grid, this.#frame, part, { palette: this.#palette, pixels });
    this.#put(part);
  }

  #paintHeat() {
    const { grid, pixels } = this.#screen;
    const part = wholeOf(this.#frame);
    sampled(this.#heat, this.#frame, part, grid, { outside: NaN });
    paintHeat(grid, heatColours(this.#look.opacity), pixels);
    this.#put(part);
  }

  #put({ top, left, bottom, right }) {
    if (bottom <= top || right <= left) return;
    const context = this.#screen.canvas.getContext("2d");
    context.putImageData(this.#screen.data, 0, 0, left, top, right - left, bottom - top);
  }
}

// Of four pixels that share one of the screen the highest object is the one to be seen.
const seen = (label) => (label === IGNORE ? 0 : label);
const joinedIndices = (a, b, c, d) =>
  Math.max(seen(a), seen(b), seen(c), seen(d)) || (a & b & c & d);
const joinedCodes = (a, b, c, d) => seen(a) | seen(b) | seen(c) | seen(d) || (a & b & c & d);

function requireSize(name, numbers, expected) {
  if (numbers.length !== expected) {
    throw new Error(`The ${name} came for ${numbers.length} pixels, expected ${expected}.`);
  }
}
