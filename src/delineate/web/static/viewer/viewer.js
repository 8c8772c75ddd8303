/** A picture with labels and probability over it, to zoom, to move and to draw over. */

import { Gestures } from "./gestures.js";
import { Marks } from "./marks.js";
import { readShades } from "./shades.js";
import { View } from "./view.js";

/**
 * Fills `host`, a focusable element with a size of its own; viewer.css belongs to it.
 *
 * Places in the picture are continuous: `Math.floor` of row and column gives the pixel. Changes of
 * `labels` in place are shown by `redraw`. The host handles + - 0 1 and the arrows unless an
 * earlier listener (in the capturing phase) has prevented the default.
 *
 * Events: `view` (moved or zoomed), `window` (of grey levels), `drawn` (all that was asked for is
 * on the screen) and `pinch` (a second finger has come: what the first was drawing is given up).
 */
export class Viewer extends EventTarget {
  #host;
  #canvas = document.createElement("canvas");
  #view = new View();
  #marks = new Marks(() => this.repaint());
  #shades = null;
  #window = { low: 0, high: 255 };
  #layers = [];
  #panEnabled = true;
  #asked = 0;
  #sizes = new ResizeObserver(() => this.#resized());

  constructor(host) {
    super();
    this.#host = host;
    host.classList.add("viewer");
    this.#canvas.className = "viewer-canvas";
    this.#canvas.setAttribute("aria-hidden", "true");
    host.prepend(this.#canvas);
    new Gestures(this, host);
    this.#sizes.observe(host);
  }

  /** Show the picture of an ImageDocument; labels and probability of another are let go. */
  async setShades(image, address) {
    this.#shades = await readShades(image, address);
    this.#marks.clear();
    this.#window = { low: image.window.low, high: image.window.high };
    this.#view.image = { width: image.width_px, height: image.height_px };
    this.#view.isFitted = true;
    this.#resized();
  }

  /**
   * @param {Uint8Array} labels H * W class indices, or codes where classes overlap; 255 unknown
   * @param {{index: number, colour: number[]}[]} classes
   */
  setLabels(labels, classes, { isOverlapping = false } = {}) {
    this.#marks.setLabels(labels, this.#view.image, classes, isOverlapping);
    this.repaint();
  }

  get labels() {
    return this.#marks.labels;
  }

  /** @param {Float32Array | null} probability H * W from 0 to 1, drawn as heat instead of labels */
  setProbability(probability, { shown = true } = {}) {
    if (probability !== null && shown) this.#marks.setHeat(probability, this.#view.image);
    else this.#marks.clearHeat();
    this.repaint();
  }

  /** Paint the labels that changed inside `box` = [top, left, height, width], or anywhere. */
  redraw(box = [0, 0, this.height_px, this.width_px]) {
    this.#marks.change(box);
    this.repaint();
  }

  /** How much of the picture labels and heat hide, 0 to 1. */
  get opacity() {
    return this.#marks.look.opacity;
  }

  set opacity(opacity) {
    this.#look({ opacity });
  }

  /** `fill`, `outline` or `none`. */
  get style() {
    return this.#marks.look.style;
  }

  set style(style) {
    this.#look({ style });
  }

  /** Indices of the classes that are not drawn. */
  get hidden() {
    return this.#marks.look.hidden;
  }

  set hidden(indices) {
    this.#look({ hidden: new Set(indices) });
  }

  /** Values that are black and white, of 16-bit pictures. */
  get window() {
    return this.#window;
  }

  set window({ low, high }) {
    this.#window = { low, high };
    this.dispatchEvent(new CustomEvent("window"));
    this.repaint();
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

  /** The picture's numbers, all channels of a pixel beside each other. */
  numbers() {
    return this.#shades.numbers();
  }

  /** Right widens the window, down lifts its level, by shares of its width. */
  dragWindow(right, down) {
    const { low, high } = this.#window;
    const level = (low + high) / 2 + ((high - low) * down) / 300;
    const half = ((high - low) * Math.exp(right / 300)) / 2;
    this.window = { low: level - half, high: level + half };
  }

  /** Whether a drag with one finger or the left button moves the picture. */
  get panEnabled() {
    return this.#panEnabled;
  }

  set panEnabled(isEnabled) {
    this.#panEnabled = isEnabled;
    this.#letScroll();
  }

  get width_px() {
    return this.#view.image.width;
  }

  get height_px() {
    return this.#view.image.height;
  }

  /** Screen px (as style sheets count them) an image px. */
  get scale() {
    return this.#view.scale;
  }

  fit() {
    this.#view.fit();
    this.#moved();
  }

  /** What lies at this place of the window stays there. */
  zoomAt(clientX, clientY, factor) {
    const { x, y } = this.#corner();
    this.#view.zoomAt(clientX - x, clientY - y, factor);
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

  /**
   * Show the part that another viewer shows, by a map (see affine.js) from places of its picture to
   * those of this one, or at the same place; says no `view`.
   */
  follow(other, map) {
    this.#view.follow(other.#view, map);
    this.repaint();
  }

  toImage(clientX, clientY) {
    const { x, y } = this.#corner();
    return this.#view.toImage(clientX - x, clientY - y);
  }

  /** A place of the picture in px of the host, in which functions among the layers draw. */
  toHost(row, column) {
    return this.#view.toHost(row, column);
  }

  /**
   * Draw something above: a canvas that is laid over the whole picture, or a function of
   * (context, viewer) that draws in px of the host.
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
    if (this.#asked === 0) this.#asked = requestAnimationFrame(() => this.#draw());
  }

  /** Let go of the host. */
  close() {
    this.#sizes.disconnect();
    this.#marks.close();
    cancelAnimationFrame(this.#asked);
    this.#canvas.remove();
  }

  /** Where the picture's host begins in the window, inside its border. */
  #corner() {
    const { left, top } = this.#host.getBoundingClientRect();
    return { x: left + this.#host.clientLeft, y: top + this.#host.clientTop };
  }

  #look(change) {
    this.#marks.look = { ...this.#marks.look, ...change };
    this.repaint();
  }

  #resized() {
    this.#view.resize(this.#host.clientWidth, this.#host.clientHeight);
    this.#moved();
  }

  #moved() {
    this.#letScroll();
    this.dispatchEvent(new CustomEvent("view"));
    this.repaint();
  }

  /** A fitted picture that one finger would move leaves that finger to scroll the page. */
  #letScroll() {
    const leavesScroll = this.#view.isFitted && this.#panEnabled;
    this.#host.style.touchAction = leavesScroll ? "pan-y" : "none";
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
    const isFinal = this.#marks.draw(context, frame);
    this.#drawLayers(context, frame);
    if (isFinal) this.dispatchEvent(new CustomEvent("drawn"));
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
