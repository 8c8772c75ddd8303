/** Hands and keys on the picture of the editor, given to the tool in use. */

import { Brush, Eraser, Fill, Polygon, twoTone } from "./tools.js";

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const FAR = 10;
const PEN_ERASER = 32;
const CROSS_PX = 9;

/**
 * Tools on a viewer whose labels are those of a drawing.
 *
 * The left button, one finger or a pen draws; a second finger or the space bar moves the picture.
 * Without a pointer the arrows move a cross and the space bar draws at it. Events: `tool` when
 * another tool is taken, `place` with {row, column} or null when pointer or cross have moved.
 *
 * @param settings {diameter_px, fills, tolerance_percent, greys(), scale()}; may change at any time
 * @param tell gets words about what a tool has done
 */
export class Editor extends EventTarget {
  #viewer;
  #host;
  #drawing;
  #settings;
  #tools;
  #name = "move";
  #place = null;
  #hasCross = false;
  #isSpaceDown = false;

  constructor(viewer, host, drawing, { settings, tell }) {
    super();
    this.#viewer = viewer;
    this.#host = host;
    this.#drawing = drawing;
    this.#settings = settings;
    const made = (Kind) => new Kind(drawing, settings, tell);
    this.#tools = { brush: made(Brush), eraser: made(Eraser), polygon: made(Polygon), fill: made(Fill) };
    this.#listen();
    viewer.addLayer((context) => this.#draw(context));
  }

  get settings() {
    return this.#settings;
  }

  get tool() {
    return this.#name;
  }

  set tool(name) {
    this.#current?.cancel();
    this.#name = name;
    this.#viewer.panEnabled = name === "move";
    this.#host.dataset.tool = name;
    this.#viewer.repaint();
    this.dispatchEvent(new CustomEvent("tool"));
  }

  /** Ends what is under way, as before saving. */
  settle() {
    this.#current?.up();
    if (this.#current?.isBusy) this.#current.cancel();
    this.#viewer.repaint();
  }

  get #current() {
    return this.#tools[this.#name];
  }

  #listen() {
    const host = this.#host;
    host.addEventListener("pointerdown", (event) => this.#down(event));
    host.addEventListener("pointermove", (event) => this.#move(event));
    host.addEventListener("pointerup", () => this.#up());
    host.addEventListener("pointercancel", () => this.#cancel());
    host.addEventListener("pointerleave", () => !this.#hasCross && this.#moveTo(null));
    host.addEventListener("keydown", (event) => this.#keyDown(event), { capture: true });
    host.addEventListener("keyup", (event) => event.key === " " && this.#spaceUp());
    host.addEventListener("blur", () => this.#spaceUp());
    this.#viewer.addEventListener("pinch", () => this.#cancel());
  }

  #down(event) {
    const isMeant = event.button === 0 || event.buttons & PEN_ERASER;
    // A second finger zooms; it must not begin a stroke of its own.
    if (!isMeant || !event.isPrimary || event.altKey) return;
    if (!this.#current || this.#viewer.panEnabled) return;
    this.#host.setPointerCapture(event.pointerId);
    this.#hasCross = false;
    this.#moveTo(this.#viewer.toImage(event.clientX, event.clientY));
    this.#current.down(this.#place, { erases: Boolean(event.buttons & PEN_ERASER) });
    this.#viewer.repaint();
  }

  #move(event) {
    this.#hasCross = false;
    const steps = event.getCoalescedEvents?.() ?? [];
    for (const step of steps.length ? steps : [event]) {
      this.#moveTo(this.#viewer.toImage(step.clientX, step.clientY));
      this.#current?.move(this.#place);
    }
  }

  #up() {
    this.#current?.up();
  }

  #cancel() {
    this.#current?.cancel();
    this.#viewer.repaint();
  }

  #moveTo(place) {
    this.#place = place;
    this.#viewer.repaint();
    this.dispatchEvent(new CustomEvent("place", { detail: place }));
  }

  #keyDown(event) {
    if (event.target !== this.#host || event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.#isUsed(event)) {
      event.preventDefault();
      event.stopPropagation();
      this.#viewer.repaint();
    }
  }

  #isUsed(event) {
    if (!this.#current) return event.key === " "; // which would scroll the page
    if (this.#current.key(event)) return true;
    if (event.key in ARROWS) return this.#moveCross(ARROWS[event.key], event.shiftKey ? FAR : 1);
    if (event.key === " ") return this.#spaceDown(event);
    if (event.key === "Escape" && this.#current.isBusy) return this.#cancel() ?? true;
    return false;
  }

  #moveCross([down, right], far) {
    const start = this.#hasCross || this.#place ? this.#place : this.#middle();
    const { width, height } = this.#drawing.size;
    const along = (at, by, length) => Math.min(length - 0.5, Math.max(0.5, Math.floor(at) + 0.5 + by));
    this.#hasCross = true;
    this.#moveTo({
      row: along(start.row, down * far, height),
      column: along(start.column, right * far, width),
    });
    if (!this.#isInSight()) this.#viewer.centre(this.#place.row, this.#place.column);
    this.#current.move(this.#place);
    return true;
  }

  #spaceDown(event) {
    if (event.repeat) return true;
    this.#isSpaceDown = true;
    if (this.#hasCross) this.#current.down(this.#place);
    else this.#viewer.panEnabled = true;
    return true;
  }

  #spaceUp() {
    if (!this.#isSpaceDown) return;
    this.#isSpaceDown = false;
    this.#viewer.panEnabled = this.#name === "move";
    if (this.#hasCross) this.#current?.up();
  }

  #middle() {
    const { left, top, width, height } = this.#host.getBoundingClientRect();
    return this.#viewer.toImage(left + width / 2, top + height / 2);
  }

  #isInSight() {
    const { x, y } = this.#viewer.toHost(this.#place.row, this.#place.column);
    return x > 0 && y > 0 && x < this.#host.clientWidth && y < this.#host.clientHeight;
  }

  #draw(context) {
    this.#current?.draw(context, this.#viewer);
    if (!this.#place || !this.#current) return;
    const { x, y } = this.#viewer.toHost(this.#place.row, this.#place.column);
    const marks = new Path2D();
    if (this.#current.hasTip) {
      marks.arc(x, y, (this.#settings.diameter_px / 2) * this.#viewer.scale, 0, 2 * Math.PI);
    }
    if (this.#hasCross) {
      marks.moveTo(x - CROSS_PX, y);
      marks.lineTo(x + CROSS_PX, y);
      marks.moveTo(x, y - CROSS_PX);
      marks.lineTo(x, y + CROSS_PX);
    }
    twoTone(context, marks);
  }
}
