/** The labels of one image while somebody mends them. */

import { holesOf, regionOfGrey, regionOfLabel } from "./fill.js";
import { BACKGROUND, alone, belonging, painted, rubbedOut } from "./labelling.js";
import { polygonRuns, strokeRuns } from "./raster.js";
import { boxOfForeground, smoothed } from "./smooth.js";
import { Undo } from "./undo.js";

/**
 * Every change is made within one step that can be undone. `change` events carry the box of pixels
 * that changed, or null once the step has ended.
 *
 * `keepsOthers` leaves all classes but the one in use as they are: painting covers background
 * only, and erasing takes away that class only. Where classes overlap that needs no wish: all that
 * is done is done to the class in use, which filling and smoothing see alone.
 */
export class Drawing extends EventTarget {
  label = 1;
  keepsOthers = false;
  #undo;
  #saved;

  constructor(labels, size, { isOverlapping = false, ...limits } = {}) {
    super();
    this.size = size;
    this.isOverlapping = isOverlapping;
    this.labels = labels.slice();
    this.#saved = labels.slice();
    this.#undo = new Undo(this.labels, size, limits);
  }

  get isChanged() {
    return this.labels.some((label, i) => label !== this.#saved[i]);
  }

  get canUndo() {
    return this.#undo.canUndo;
  }

  get canRedo() {
    return this.#undo.canRedo;
  }

  /** These labels are kept elsewhere now; by default those that are drawn. */
  markSaved(labels = this.labels) {
    this.#saved = labels.slice();
  }

  /** Part of a stroke; `end` ends it. */
  stroke(from, to, diameter, { erases = false } = {}) {
    const box = boxOf([from, to], diameter / 2 + 1);
    this.#undo.touch(box);
    strokeRuns(from, to, diameter, this.size, this.#brush(erases ? rubbedOut : painted));
    this.#tell(box);
  }

  end(name) {
    this.#undo.commit(name);
    this.#tell(null);
  }

  /** Takes back a stroke that has not ended. */
  cancel() {
    this.#undo.rollback();
    this.#tell(this.#everything);
    this.#tell(null);
  }

  polygon(points) {
    this.#change("polygon", boxOf(points, 1), () =>
      polygonRuns(points, this.size, this.#brush(painted)),
    );
  }

  /** Fills what is around a pixel up to where the label, or the class that is seen, changes. */
  fillContour(index) {
    return this.#fill("fill", regionOfLabel(this.#seen.labels, index, this.size));
  }

  /** Fills what is around a pixel and as bright. */
  fillGrey(index, shades, channels, tolerance) {
    return this.#fill("fill", regionOfGrey(shades, channels, index, this.size, tolerance));
  }

  fillHoles() {
    const { labels, label } = this.#seen;
    return this.#fill("fill holes", holesOf(labels, label, this.size));
  }

  /**
   * Smooths all classes; where `keepsOthers` holds or classes overlap, only the outline of the
   * class in use.
   */
  smooth(radius) {
    const { labels } = this.#seen;
    const box = boxOfForeground(labels, this.size, Math.ceil(radius));
    if (!box) return;
    const result = smoothed(labels, this.size, radius, box);
    const takeOver = () => (this.isOverlapping ? this.#takeOne(labels, result) : this.#takeAll(result));
    this.#change("smooth", box, takeOver);
  }

  /** Other labels instead of all, or only where they add to or take from the class in use. */
  take(labels, how = "whole") {
    const wanted = combined(this.labels, labels, this, how);
    this.#change("take over", this.#everything, () => this.labels.set(wanted));
  }

  undo() {
    return this.#told(this.#undo.undo());
  }

  redo() {
    return this.#told(this.#undo.redo());
  }

  get #everything() {
    return { top: 0, left: 0, bottom: this.size.height, right: this.size.width };
  }

  /** Labels, and which of them is that of the class in use: of classes that overlap it alone. */
  get #seen() {
    if (!this.isOverlapping) return { labels: this.labels, label: this.label };
    const table = alone(this.label, true);
    return { labels: this.labels.map((label) => table[label]), label: 1 };
  }

  #fill(name, region) {
    this.#change(name, this.#everything, () => {
      const made = painted(this.label, this);
      region.marked.forEach((isIn, i) => {
        if (isIn) this.labels[i] = made[this.labels[i]];
      });
    });
    return region;
  }

  #takeOne(before, after) {
    const [made, taken] = [painted, rubbedOut].map((way) => way(this.label, this));
    after.forEach((isIn, i) => {
      if (isIn !== before[i]) this.labels[i] = (isIn ? made : taken)[this.labels[i]];
    });
  }

  #takeAll(result) {
    const touched = (label) => label === BACKGROUND || label === this.label;
    result.forEach((label, i) => {
      const isFree = !this.keepsOthers || (touched(label) && touched(this.labels[i]));
      if (isFree) this.labels[i] = label;
    });
  }

  /** Changes runs of pixels by one of the ways to change labels. */
  #brush(way) {
    const { width } = this.size;
    const made = way(this.label, this);
    return (row, from, to) => {
      for (let i = row * width + from; i < row * width + to; i += 1) {
        this.labels[i] = made[this.labels[i]];
      }
    };
  }

  #change(name, box, make) {
    this.#undo.touch(box);
    make();
    this.#undo.commit(name);
    this.#tell(box);
    this.#tell(null);
  }

  #told(name) {
    if (name === null) return name;
    this.#tell(this.#everything);
    this.#tell(null);
    return name;
  }

  #tell(box) {
    this.dispatchEvent(new CustomEvent("change", { detail: box }));
  }
}

/**
 * Labels after others are taken over.
 *
 * `whole`: all of them; `more`: the class is added where the others have it; `less`: the class
 * goes where the others do not have it.
 */
function combined(own, others, { label, isOverlapping }, how) {
  if (how === "whole") return others.slice();
  const isIn = belonging(label, isOverlapping);
  if (how === "more") {
    const made = painted(label, { isOverlapping });
    return own.map((value, i) => (isIn[others[i]] ? made[value] : value));
  }
  const taken = rubbedOut(label, { isOverlapping });
  return own.map((value, i) => (isIn[value] && !isIn[others[i]] ? taken[value] : value));
}

function boxOf(points, margin) {
  const rows = points.map((point) => point.row);
  const columns = points.map((point) => point.column);
  return {
    top: Math.floor(Math.min(...rows) - margin),
    left: Math.floor(Math.min(...columns) - margin),
    bottom: Math.ceil(Math.max(...rows) + margin) + 1,
    right: Math.ceil(Math.max(...columns) + margin) + 1,
  };
}
