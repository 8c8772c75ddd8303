/** Buttons, sliders and keys of the editor. */

import { at, build } from "../elements.js";
import { IGNORE, swatch } from "../viewer/palette.js";
import { wholeNumber } from "../words.js";
import { BACKGROUND, belonging } from "./labelling.js";
import { bindSlider, toggleMask } from "./look.js";

const OVERLAP =
  "A pixel may belong to several classes. Every tool changes the chosen one alone, and fill and smooth see no other.";
const TOOLS = { v: "move", b: "brush", e: "eraser", p: "polygon", f: "fill" };

export class Controls {
  #viewer;
  #drawing;
  #editor;
  #found;
  #saving;

  constructor({ viewer, drawing, editor, found, saving, proposal }) {
    this.#viewer = viewer;
    this.#drawing = drawing;
    this.#editor = editor;
    this.#found = found;
    this.#saving = saving;
    this.#bindTools();
    this.#bindLabels();
    this.#bindSettings();
    this.#bindSteps();
    this.#bindKeys();
    proposal.bindTaking();
  }

  #bindTools() {
    const tools = at("tools");
    tools.addEventListener("change", ({ target }) => {
      this.#editor.tool = target.value;
    });
    this.#editor.addEventListener("tool", () => {
      const { tool } = this.#editor;
      tools.querySelector(`[value="${tool}"]`).checked = true;
      for (const each of document.querySelectorAll("[data-for]")) {
        each.hidden = !each.dataset.for.split(" ").includes(tool);
      }
    });
    this.#editor.tool = "move";
    this.#editor.addEventListener("place", ({ detail }) => {
      at("place").textContent = detail ? this.#words(detail) : "";
    });
  }

  #words({ row, column }) {
    const [y, x] = [Math.floor(row), Math.floor(column)];
    const { width, height } = this.#drawing.size;
    if (y < 0 || x < 0 || y >= height || x >= width) return "beside the picture";
    const label = this.#drawing.labels[y * width + x];
    const value = this.#viewer.hasWindow ? `, value ${Number(this.#viewer.value(y, x).toPrecision(6))}` : "";
    return `row ${y}, column ${x}: ${this.#namesOf(label)}${value}`;
  }

  /** Of a pixel's label, which may stand for several classes. */
  #namesOf(label) {
    if (!this.#drawing.isOverlapping || label === IGNORE || label === BACKGROUND) return this.#nameOf(label);
    const held = this.#found.classes.filter(({ index }) => index > 0 && belonging(index, true)[label]);
    return held.map(({ name }) => name).join(" + ");
  }

  #nameOf(label) {
    if (label === IGNORE) return "nothing known";
    return this.#found.classes.find((each) => each.index === label)?.name ?? `class ${label}`;
  }

  #bindLabels() {
    const classes = this.#found.classes.filter((each) => each.index > 0);
    for (const { index, name } of [...classes, { index: IGNORE, name: "nothing known (does not count)" }]) {
      const radio = build("input", { type: "radio", name: "label", value: String(index) });
      const mark = swatch(this.#found.classes, index, 20);
      mark.className = "swatch";
      at("labels").append(build("label", { class: "choice" }, radio, mark, name));
    }
    at("labels").addEventListener("change", ({ target }) => {
      this.#drawing.label = Number(target.value);
    });
    at("labels").querySelector("input").checked = true;
    this.#drawing.label = classes[0].index;
    const { isOverlapping } = this.#drawing;
    at("keeps-line").hidden = isOverlapping || classes.length < 2;
    if (isOverlapping) at("labels").append(build("p", { class: "hint" }, OVERLAP));
    at("keeps").addEventListener("change", ({ target }) => {
      this.#drawing.keepsOthers = target.checked;
    });
  }

  #bindSettings() {
    const { settings } = this.#editor;
    const { width, height } = this.#drawing.size;
    at("diameter").max = Math.round(Math.min(400, Math.max(24, Math.max(width, height) / 4)));
    at("diameter").value = Math.round(Math.min(40, Math.max(3, Math.max(width, height) / 40)));
    bindSlider("diameter", (value) => {
      settings.diameter_px = value;
      this.#viewer.repaint();
      return `${value} px`;
    });
    bindSlider("tolerance", (value) => {
      settings.tolerance_percent = value;
      return `${value} % of black to white`;
    });
    for (const each of document.querySelectorAll("[name=fills]")) {
      each.addEventListener("change", () => {
        settings.fills = each.value;
      });
    }
    at("holes").addEventListener("click", () => {
      const { count } = this.#drawing.fillHoles();
      this.#saving.say(`${wholeNumber(count)} px of holes filled.`);
    });
    at("smooth").addEventListener("click", () => {
      const radius = Math.min(20, Math.max(1, Number(at("radius").value) || 1));
      this.#drawing.smooth(radius);
      this.#saving.say(`Smoothed over ${radius} px.`);
    });
  }

  #bindSteps() {
    at("undo").addEventListener("click", () => this.#step("undo"));
    at("redo").addEventListener("click", () => this.#step("redo"));
    const show = () => {
      at("undo").disabled = !this.#drawing.canUndo;
      at("redo").disabled = !this.#drawing.canRedo;
    };
    this.#drawing.addEventListener("change", show);
    show();
    at("keys").addEventListener("click", () => at("help").showModal());
  }

  #step(way) {
    this.#editor.settle();
    const name = this.#drawing[way]();
    if (name) this.#saving.say(`${way === "undo" ? "Taken back" : "Made again"}: ${name}.`);
  }

  #bindKeys() {
    const bench = at("bench");
    document.addEventListener("keydown", (event) => {
      const { target } = event;
      const isText = target.matches("textarea, input:not([type=radio], [type=checkbox], [type=range])");
      if (isText || event.defaultPrevented || (target !== document.body && !bench.contains(target))) return;
      if (this.#isUsed(event)) event.preventDefault();
    });
    document.addEventListener("keydown", (event) => {
      if (!isCommand(event) || event.key.toLowerCase() !== "s") return;
      event.preventDefault();
      at("saving").requestSubmit();
    });
  }

  #isUsed(event) {
    const key = event.key.toLowerCase();
    if (isCommand(event)) {
      if (key !== "z" && key !== "y") return false;
      this.#step(key === "y" || event.shiftKey ? "redo" : "undo");
      return true;
    }
    if (event.altKey) return false;
    if (key in TOOLS) this.#editor.tool = TOOLS[key];
    else if (key === "[" || key === "]") this.#resize(key === "]" ? 1 : -1);
    else if (key === "c") this.#nextLabel();
    else if (key === "h") toggleMask();
    else if (key === "?") at("help").showModal();
    else return false;
    return true;
  }

  #resize(sign) {
    const slider = at("diameter");
    slider.value = Number(slider.value) + sign * Math.max(1, Math.round(slider.value / 8));
    slider.dispatchEvent(new Event("input"));
  }

  #nextLabel() {
    const radios = [...at("labels").querySelectorAll("input")];
    const next = radios[(radios.findIndex((each) => each.checked) + 1) % radios.length];
    next.checked = true;
    next.dispatchEvent(new Event("change", { bubbles: true }));
    this.#saving.say(`Class: ${this.#nameOf(this.#drawing.label)}.`);
  }
}

const isCommand = (event) => event.ctrlKey || event.metaKey;
