/**
 * What a hand does with the picture: brush, eraser, polygon and fill.
 *
 * Each tool takes `down`, `move`, `up` and `cancel` with places {row, column} in the picture, `key`
 * for keys of its own (it returns whether it used the key), and may `draw` what is unfinished.
 */

import { wholeNumber } from "../words.js";

class Tool {
  constructor(drawing, settings, tell) {
    this.drawing = drawing;
    this.settings = settings;
    this.tell = tell;
  }

  get isBusy() {
    return false;
  }

  move() {}
  up() {}
  cancel() {}
  draw() {}

  key() {
    return false;
  }
}

export class Brush extends Tool {
  hasTip = true;
  #last = null;
  #erases = false;

  get isBusy() {
    return this.#last !== null;
  }

  down(place, { erases = false } = {}) {
    this.#erases = erases;
    this.#last = place;
    this.move(place);
  }

  move(place) {
    if (!this.#last) return;
    const { diameter_px } = this.settings;
    this.drawing.stroke(this.#last, place, diameter_px, { erases: this.#erases });
    this.#last = place;
  }

  up() {
    if (!this.#last) return;
    this.#last = null;
    this.drawing.end(this.#erases ? "eraser" : "brush");
  }

  cancel() {
    if (!this.#last) return;
    this.#last = null;
    this.drawing.cancel();
  }
}

export class Eraser extends Brush {
  down(place) {
    super.down(place, { erases: true });
  }
}

const NEAR_PX = 12;
const CORNER_PX = 3.5;

export class Polygon extends Tool {
  #corners = [];
  #next = null;

  get isBusy() {
    return this.#corners.length > 0;
  }

  down(place) {
    if (this.#corners.length > 2 && this.#isNear(place, this.#corners[0])) return this.#close();
    const last = this.#corners[this.#corners.length - 1];
    // The second press of a double click ends the polygon.
    if (last && this.#corners.length > 2 && this.#isNear(place, last, 3)) return this.#close();
    this.#corners.push(place);
    this.tell(`Corner ${this.#corners.length}.`);
    return undefined;
  }

  move(place) {
    this.#next = place;
  }

  cancel() {
    this.#corners = [];
    this.#next = null;
  }

  key(event) {
    if (!this.isBusy) return false;
    if (event.key === "Enter") this.#close();
    else if (event.key === "Escape") this.cancel();
    else if (event.key === "Backspace") this.#corners.pop();
    else return false;
    return true;
  }

  draw(context, viewer) {
    if (!this.isBusy) return;
    const places = this.#next ? [...this.#corners, this.#next] : this.#corners;
    const line = new Path2D();
    places.map(({ row, column }) => viewer.toHost(row, column)).forEach(({ x, y }) => line.lineTo(x, y));
    line.closePath();
    twoTone(context, line);
    for (const { row, column } of this.#corners) {
      const { x, y } = viewer.toHost(row, column);
      const corner = new Path2D();
      corner.arc(x, y, CORNER_PX, 0, 2 * Math.PI);
      context.fillStyle = "#fff";
      context.fill(corner);
      twoTone(context, corner);
    }
  }

  #close() {
    if (this.#corners.length < 3) {
      this.tell("A polygon needs three corners.");
      return;
    }
    this.drawing.polygon(this.#corners);
    this.tell("Polygon filled.");
    this.cancel();
  }

  #isNear(one, other, near_px = NEAR_PX) {
    const scale = this.settings.scale();
    return Math.hypot(one.row - other.row, one.column - other.column) * scale <= near_px;
  }
}

export class Fill extends Tool {
  down(place) {
    const { width, height } = this.drawing.size;
    const [row, column] = [Math.floor(place.row), Math.floor(place.column)];
    if (row < 0 || column < 0 || row >= height || column >= width) return;
    const index = row * width + column;
    const region = this.settings.fills === "grey" ? this.#grey(index) : this.drawing.fillContour(index);
    const isOpen = region.touchesBorder && this.settings.fills === "contour";
    const hint = isOpen ? " They reach the edge of the image: was the contour closed?" : "";
    this.tell(`${wholeNumber(region.count)} px filled.${hint}`);
  }

  #grey(index) {
    const { shades, channels, levels } = this.settings.greys();
    const tolerance = (levels * this.settings.tolerance_percent) / 100;
    return this.drawing.fillGrey(index, shades, channels, tolerance);
  }
}

/** White on black, so that it is seen on any picture. */
export function twoTone(context, path) {
  context.lineWidth = 3;
  context.strokeStyle = "#000a";
  context.stroke(path);
  context.lineWidth = 1.25;
  context.strokeStyle = "#fff";
  context.stroke(path);
}
