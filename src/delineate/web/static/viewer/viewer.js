/** A picture with labels and probability over it, to zoom, to move and to draw over. */

import { Gestures } from "./gestures.js";
import { heatColours } from "./heat.js";
import { IGNORE, paletteOf } from "./palette.js";
import { paintHeat, paintLabels } from "./painting.js";
import { Plane, sampled } from "./plane.js";
import { fits, newScreen, readShades } from "./shades.js";
import { View, isSameFrame } from "./view.js";

// A view that takes longer to paint follows a moving hand as it was, and is painted at rest.
const SMOOTH_MS = 12;
const REST_MS = 90;

/**
 * Fills `host`, a focusable element of a size of its own.
 *
 * Places in the picture are continuous, `Math.floor` gives the pixel. Changes of `labels` in place
 * are shown by `redraw`. The host handles + - 0 1 and the arrows unless an earlier listener (in
 * the capturing phase) has prevented the default.
 *
 * Events: `view` (moved or zoomed), `window`, `drawn` (what was asked for is on the screen) and
 * `pinch` (a second finger has come: whatever the first was drawing is to be given up).
 */
export class Viewer extends EventTarget {
  /** Whether a drag with one finger or the left button moves the picture. */
  panEnabled = true;

  #host;
  #canvas = document.createElement("canvas");
  #view = new View();
  #shades = null;
  #window = { low: 0, high: 255 };
  #labels = null;
  #classes = [];
  #isOverlapping = false;
  #hidden = new Set();
  #probability = null;
  #opacity = 0.4;
  #style = "fill";
  #layers = [];
  #palette = null;
  #marks = null;
  #marksFrame = null;
  #cost_ms = 0;
  #asked = 0;
  #rest = 0;
  #sizes;

  constructor(host) {
    super();
    this.#host = host;
    host.classList.add("viewer");
    this.#canvas.className = "viewer-canvas";
    this.#canvas.setAttribute("aria-hidden", "true");
    host.prepend(this.#canvas);
    new Gestures(this, host);
    this.#sizes = new ResizeObserver(() => this.#resized());
    this.#sizes.observe(host);
  }

  /** Show the picture of an ImageDocument; labels and probability of another are let go. */
  async setShades(image, address) {
    const shades = await readShades(image, address);
    this.#shades = shades;
    this.#labels = this.#probability = null;
    this.#window = { low: image.window.low, high: image.window.high };
    this.#view.image = { width: image.width_px, height: image.height_px };
    this.#view.isFitted = true;
    this.#resized();
    this.redraw();
  }

  /**
   * @param {Uint8Array} labels H * W class indices, or codes where classes overlap; 255 unknown
   * @param {{index: number, colour: number[]}[]} classes
   */
  setLabels(labels, classes, { isOverlapping = false } = {}) {
    const { width, height } = this.#view.image;
    requireSize("labels", labels, width * height);
    const join = isOverlapping ? joinedCodes : joinedIndices;
    this.#labels = new Plane(labels, width, height, join);
    this.#classes = classes;
    this.#isOverlapping = isOverlapping;
    this.#repalette();
  }

  get labels() {
    return this.#labels?.data ?? null;
  }

  /** @param {Float32Array | null} probability H * W from 0 to 1, drawn as heat instead of labels */
  setProbability(probability, { shown = true } = {}) {
    const { width, height } = this.#view.image;
    if (probability === null || !shown) this.#probability = null;
    else {
      requireSize("probability", probability, width * height);
      this.#probability = new Plane(probability, width, height, Math.max);
    }
    this.redraw();
  }

  /** Paint anew what changed inside `box` = [top, left, height, width], or anywhere. */
  redraw(box) {
    if (box !== undefined) this.#labels?.refresh(box);
    else this.#labels?.refresh();
    this.#marksFrame = null;
    this.#ask();
  }

  /** Shares of labels and heat, 0 to 1. */
  set opacity(opacity) {
    this.#opacity = opacity;
    this.#repalette();
  }

  get opacity() {
    return this.#opacity;
  }

  /** `fill`, `outline` or `none`. */
  set style(style) {
    this.#style = style;
    this.#repalette();
  }

  get style() {
    return this.#style;
  }

  /** Indices of the classes that are not drawn. */
  set hidden(indices) {
    this.#hidden = new Set(indices);
    this.#repalette();
  }

  get hidden() {
    return this.#hidden;
  }

  /** Values that are black and white, of 16-bit pictures. */
  set window({ low, high }) {
    this.#window = { low, high };
    this.dispatchEvent(new CustomEvent("window"));
    this.#ask();
  }

  get window() {
    return this.#window;
  }

  get hasWindow() {
    return this.#shades?.hasWindow ?? false;
  }

  /** The lowest and highest value of a 16-bit picture. */
  range() {
    return this.#shades.range();
  }

  /** The value of a pixel of a 16-bit picture. */
  value(row, column) {
    return this.#shades.value(row, column);
  }

  /** Right widens the window, down lifts its level, by shares of its width. */
  dragWindow(right, down) {
    const { low, high } = this.#window;
    const width = high - low;
    const level = (low + high) / 2 + (width * down) / 300;
    const half = (width * Math.exp(right / 300)) / 2;
    this.window = { low: level - half, high: level + half };
  }

  get width_px() {
    return this.#view.image.width;
  }

  get height_px() {
    return this.#view.image.height;
  }

  /** Screen px (of style sheets) an image px. */
  get scale() {
    return this.#view.scale;
  }

  get isFitted() {
    return this.#view.isFitted;
  }

  fit() {
    this.#view.fit();
    this.#moved();
  }

  /** What lies at this place of the window stays there. */
  zoomAt(clientX, clientY, factor) {
    const { left, top } = this.#host.getBoundingClientRect();
    this.#view.zoomAt(clientX - left - this.#host.clientLeft, clientY - top - this.#host.clientTop, factor);
    this.#moved();
  }

  /** Zoom about the middle. */
  zoomBy(factor) {
    const { width, height } = this.#view.host;
    this.#view.zoomAt(width / 2, height / 2, factor);
    this.#moved();
  }

  move(right, down) {
    this.#view.move(right, down);
    this.#moved();
  }

  /** Bring a place to the middle. */
  centre(row, column) {
    this.#view.centre(row, column);
    this.#moved();
  }

  /** The same part as another viewer of a picture of the same size shows. */
  follow(other) {
    const { width, height } = other.#view.host;
    const middle = other.#view.toImage(width / 2, height / 2);
    this.#view.scale = other.scale;
    if (other.isFitted) this.#view.fit();
    else this.#view.centre(middle.row, middle.column);
    this.#ask();
  }

  toImage(clientX, clientY) {
    const { left, top } = this.#host.getBoundingClientRect();
    return this.#view.toImage(clientX - left - this.#host.clientLeft, clientY - top - this.#host.clientTop);
  }

  toClient(row, column) {
    const { left, top } = this.#host.getBoundingClientRect();
    const { x, y } = this.#view.toHost(row, column);
    return { x: x + left + this.#host.clientLeft, y: y + top + this.#host.clientTop };
  }

  /** A place of the picture in px of the host, where `painters` draw. */
  toHost(row, column) {
    return this.#view.toHost(row, column);
  }

  /**
   * Draw something above: a canvas in image coordinates (of the image's size or a part of it by
   * equal scale), or a function of (context, viewer) that draws in px of the host.
   *
   * @returns {() => void} which takes it away
   */
  addLayer(layer) {
    this.#layers.push(layer);
    this.repaint();
    return () => {
      this.#layers = this.#layers.filter((each) => each !== layer);
      this.repaint();
    };
  }

  /** Draw the frame anew, for layers that changed. */
  repaint() {
    this.#ask();
  }

  /** Let go of the host. */
  close() {
    this.#sizes.disconnect();
    cancelAnimationFrame(this.#asked);
    clearTimeout(this.#rest);
    this.#canvas.remove();
  }

  #repalette() {
    this.#palette = null;
    this.#marksFrame = null;
    this.#ask();
  }

  #resized() {
    const { clientWidth, clientHeight } = this.#host;
    this.#view.resize(clientWidth, clientHeight);
    this.#moved();
  }

  #moved() {
    // A fitted picture leaves one finger to scroll the page.
    const leavesScroll = this.#view.isFitted && this.panEnabled;
    this.#host.style.touchAction = leavesScroll ? "pan-y" : "none";
    this.dispatchEvent(new CustomEvent("view"));
    this.#ask();
  }

  #ask() {
    if (this.#asked === 0) this.#asked = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#asked = 0;
    if (this.#shades === null) return;
    const frame = this.#view.frame(devicePixelRatio);
    if (this.#canvas.width !== frame.width) this.#canvas.width = frame.width;
    if (this.#canvas.height !== frame.height) this.#canvas.height = frame.height;
    const context = this.#canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, frame.width, frame.height);
    this.#shades.paint(context, frame, this.#window);
    const isFinal = this.#drawMarks(context, frame);
    this.#drawLayers(context, frame);
    if (isFinal) this.dispatchEvent(new CustomEvent("drawn"));
  }

  /** Whether labels or heat are drawn as they are, and not as they were one moment before. */
  #drawMarks(context, frame) {
    const hasMarks = this.#probability !== null || (this.#labels !== null && this.#style !== "none");
    if (!hasMarks) return true;
    if (!isSameFrame(this.#marksFrame, frame)) {
      const isLate = this.#marksFrame !== null && this.#cost_ms > SMOOTH_MS && this.#rest === 0;
      if (isLate) this.#paintAtRest();
      if (this.#marksFrame === null || this.#rest === 0) this.#paintMarks(frame);
    }
    const from = this.#marksFrame;
    const zoom = frame.scale / from.scale;
    context.imageSmoothingEnabled = false;
    context.drawImage(
      this.#marks.canvas,
      frame.left - from.left * zoom,
      frame.top - from.top * zoom,
      from.width * zoom,
      from.height * zoom,
    );
    return isSameFrame(from, frame);
  }

  #paintAtRest() {
    this.#rest = setTimeout(() => {
      this.#rest = 0;
      this.#marksFrame = null;
      this.#ask();
    }, REST_MS);
  }

  #paintMarks(frame) {
    const start = performance.now();
    const Numbers = this.#probability === null ? Uint8Array : Float32Array;
    if (!fits(this.#marks, frame) || !(this.#marks.grid instanceof Numbers)) {
      this.#marks = newScreen(frame, Numbers);
    }
    const { grid, pixels, data, canvas } = this.#marks;
    if (this.#probability !== null) {
      sampled(this.#probability, frame, grid, { outside: NaN });
      paintHeat(grid, heatColours(this.#opacity), pixels);
    } else {
      this.#palette ??= paletteOf(this.#classes, {
        isOverlapping: this.#isOverlapping,
        hidden: this.#hidden,
        opacity: this.#opacity,
        style: this.#style,
      });
      sampled(this.#labels, frame, grid, { table: this.#palette.seen });
      paintLabels(grid, frame, this.#palette, pixels);
    }
    canvas.getContext("2d").putImageData(data, 0, 0);
    this.#marksFrame = frame;
    this.#cost_ms = performance.now() - start;
  }

  #drawLayers(context, frame) {
    for (const layer of this.#layers) {
      context.save();
      if (typeof layer === "function") {
        context.setTransform(frame.ratio, 0, 0, frame.ratio, 0, 0);
        layer(context, this);
      } else {
        const { width, height } = this.#view.image;
        context.imageSmoothingEnabled = frame.scale < 1;
        context.drawImage(layer, frame.left, frame.top, width * frame.scale, height * frame.scale);
      }
      context.restore();
    }
  }
}

// Of four pixels that share one of the screen the rarest kind, an object, is the one to be seen.
const joinedIndices = (a, b, c, d) => Math.max(seen(a), seen(b), seen(c), seen(d)) || (a & b & c & d);
const seen = (label) => (label === IGNORE ? 0 : label);
const joinedCodes = (a, b, c, d) => seen(a) | seen(b) | seen(c) | seen(d) || (a & b & c & d);

function requireSize(name, numbers, expected) {
  if (numbers.length !== expected) {
    throw new Error(`The ${name} came for ${numbers.length} pixels, expected ${expected}.`);
  }
}
