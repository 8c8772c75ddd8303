/** The objects that were found: a table of measurements, and their numbers in the picture. */

import { at, build } from "../elements.js";
import { swatch } from "../viewer/palette.js";
import { number4, wholeNumber } from "../words.js";

// An object smaller than this on the screen would vanish below its number.
const SMALLEST_PX = 12;

const LENGTHS = [
  ["Area", (each) => wholeNumber(each.area_px), (each) => number4(each.area_mm2), "px", "mm²"],
  ["Perimeter", (each) => number4(each.perimeter_px), (each) => number4(each.perimeter_mm)],
  ["Long axis", (each) => number4(each.major_axis_px), (each) => number4(each.major_axis_mm)],
  ["Short axis", (each) => number4(each.minor_axis_px), (each) => number4(each.minor_axis_mm)],
];

export class Objects {
  #result;
  #viewer;
  #selected = null;
  #hasNumbers = true;

  constructor(result, viewer) {
    this.#result = result;
    this.#viewer = viewer;
    at("measured").hidden = false;
    at("units").hidden = result.own.image.spacing === null;
    at("units").addEventListener("change", () => this.#fill());
    at("numbers").addEventListener("click", () => this.toggleNumbers());
    viewer.addLayer((context) => this.#draw(context));
    result.addEventListener("document", () => {
      this.#selected = null;
      this.#fill();
    });
    this.#fill();
  }

  toggleNumbers() {
    this.#hasNumbers = !this.#hasNumbers;
    at("numbers").setAttribute("aria-pressed", this.#hasNumbers);
    this.#viewer.repaint();
  }

  /** The next one, or with -1 the one before. */
  step(by) {
    const { objects } = this.#result.document.measurements;
    if (objects.length === 0) return;
    const now = objects.indexOf(this.#selected);
    const next = now < 0 ? (by > 0 ? 0 : objects.length - 1) : now + by;
    this.#select(objects[(next + objects.length) % objects.length]);
  }

  #select(object) {
    this.#selected = object;
    this.#viewer.centre(object.row_px, object.column_px);
    const { objects } = this.#result.document.measurements;
    [...at("objects").rows].forEach((row, place) => {
      row.setAttribute("aria-selected", objects[place] === object);
    });
  }

  get #isInMm() {
    const { spacing } = this.#result.own.image;
    return spacing !== null && at("units").querySelector(":checked").value === "mm";
  }

  #fill() {
    const { measurements } = this.#result.document;
    const isEmpty = measurements.objects.length === 0;
    at("measured-none").hidden = !isEmpty;
    at("objects-table").hidden = at("measured-rule").hidden = isEmpty;
    at("measured-rule").textContent = this.#rule(measurements);
    at("objects-head").replaceChildren(this.#head());
    at("objects").replaceChildren(...measurements.objects.map((each) => this.#row(each)));
    this.#viewer.repaint();
  }

  #rule({ rule, unlisted }) {
    const { spacing } = this.#result.own.image;
    const sentences = [`${rule[0].toUpperCase()}${rule.slice(1)}.`];
    if (spacing !== null) {
      const { row_mm: row, column_mm: column, origin } = spacing;
      sentences.push(`A pixel is ${number4(row)} mm high and ${number4(column)} mm wide: ${origin}.`);
    }
    if (unlisted > 0) {
      sentences.push(`${wholeNumber(unlisted)} smaller ones are in the CSV, not in this table.`);
    }
    return sentences.join(" ");
  }

  #head() {
    const isInMm = this.#isInMm;
    const cells = [["Object", ""], ...this.#classColumn.map((name) => [name, ""])];
    for (const [name, , , px = "px", mm = "mm"] of LENGTHS) cells.push([name, isInMm ? mm : px]);
    cells.push(["Tilt", "°"], ["Row", "px"], ["Column", "px"], ["Probability", "mean"]);
    return build(
      "tr",
      {},
      ...cells.map(([name, unit], place) => {
        const isNumber = place > this.#classColumn.length;
        const cell = build("th", { scope: "col", class: isNumber ? "number" : "" }, name);
        if (unit !== "") cell.append(" ", build("span", { class: "unit" }, unit));
        return cell;
      }),
    );
  }

  get #classColumn() {
    return this.#result.classes.length > 1 ? ["Class"] : [];
  }

  #row(object) {
    const number = numberOf(object, this.#result.classes);
    const label = `Show object ${number} in the picture`;
    const show = build("button", { type: "button", class: "button compact", "aria-label": label }, number);
    show.addEventListener("click", () => this.#select(object));
    const cells = LENGTHS.map(([, px, mm]) => (this.#isInMm ? mm(object) : px(object)));
    const { mean_probability: mean } = object;
    cells.push(
      number4(object.orientation_degrees),
      number4(object.row_px),
      number4(object.column_px),
      mean === null ? "" : number4(mean),
    );
    return build(
      "tr",
      {},
      build("td", {}, show),
      ...this.#classColumn.map(() => build("td", {}, ...this.#nameOf(object.class_index))),
      ...cells.map((each) => build("td", { class: "number" }, each)),
    );
  }

  #nameOf(index) {
    const { classes } = this.#result.own;
    const picture = swatch(classes, index, 16);
    picture.className = "swatch";
    picture.setAttribute("aria-hidden", "true");
    return [picture, ` ${classes.find((each) => each.index === index).name}`];
  }

  #draw(context) {
    for (const object of this.#result.document.measurements.objects) {
      if (this.#viewer.hidden.has(object.class_index)) continue;
      if (object === this.#selected) this.#frame(context, object);
      if (this.#hasNumbers && this.#viewer.style !== "none") this.#number(context, object);
    }
  }

  #number(context, object) {
    const [, , height, width] = object.box_px;
    if (Math.max(height, width) * this.#viewer.scale < SMALLEST_PX) return;
    const { x, y } = this.#viewer.toHost(object.row_px + 0.5, object.column_px + 0.5);
    context.font = "600 13px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.lineWidth = 4;
    context.strokeStyle = "#000c";
    context.fillStyle = "#fff";
    const words = numberOf(object, this.#result.classes);
    context.strokeText(words, x, y);
    context.fillText(words, x, y);
  }

  #frame(context, object) {
    const [top, left, height, width] = object.box_px;
    const from = this.#viewer.toHost(top, left);
    const to = this.#viewer.toHost(top + height, left + width);
    const box = [from.x - 4, from.y - 4, to.x - from.x + 8, to.y - from.y + 8];
    context.lineWidth = 4;
    context.strokeStyle = "#000a";
    context.strokeRect(...box);
    context.lineWidth = 2;
    context.setLineDash([6, 4]);
    context.strokeStyle = "#fff";
    context.strokeRect(...box);
    context.setLineDash([]);
  }
}

/** What numbers an object in the picture and in the table: within its class where there are some. */
function numberOf(object, classes) {
  return classes.length === 1 ? `${object.number}` : `${object.class_index}.${object.number}`;
}
