/** What other observers drew of a case: outlines to switch on, and how far they agree with it. */

import { at, build } from "../elements.js";
import { readGrey } from "../viewer/reading.js";
import { counts, diceWords } from "./agreement.js";
import { outlineLayer, stroke } from "./outline.js";

// Dashes tell observers apart without colours; both together are met again after twenty.
const DASHES_PX = [[10, 3], [2, 3], [9, 3, 2, 3], [5, 5]];
const COLOURS = [[86, 180, 233], [240, 228, 66], [240, 140, 80], [230, 160, 200], [80, 200, 160]];
const SAMPLE_PX = { width: 44, height: 16 };

export class Observers {
  #viewer;
  #drawing;
  #found;
  #region = null;
  #shown = [];

  constructor({ viewer, drawing, found }) {
    this.#viewer = viewer;
    this.#drawing = drawing;
    this.#found = found;
  }

  /** Fills the panel; nothing where nobody else drew the case. */
  async show() {
    const { observers, links, image } = this.#found;
    if (!observers.length) return;
    at("observers").hidden = false;
    at("observers-rule").textContent = ruleOf(this.#found);
    this.#shown = observers.map((each, place) => this.#line(each, lineOf(place)));
    at("observer-list").replaceChildren(...this.#shown.map(({ row }) => row));
    const region = links.region ? readGrey(links.region, image) : null;
    await Promise.all(this.#shown.map((each) => this.#read(each, region)));
    this.#drawing.addEventListener("change", ({ detail }) => {
      if (detail === null) this.#compare();
    });
    this.#compare();
  }

  #line(observer, line) {
    const box = build("input", { type: "checkbox", disabled: "" });
    const figures = build("span", { class: "small quiet" }, "…");
    const choice = build("label", { class: "choice" }, box, drawn(line), `Observer ${observer.name}`);
    const each = { observer, line, box, figures, labels: null, row: build("li", {}, choice, figures) };
    box.addEventListener("change", () => this.#toggle(each));
    return each;
  }

  /** Without the region, where there is one, no figure would be what the rule says. */
  async #read(each, region) {
    try {
      this.#region = await region;
      each.labels = await readGrey(each.observer.labels, this.#found.image);
      each.box.disabled = false;
    } catch (error) {
      each.figures.textContent = error.message;
    }
  }

  #toggle(each) {
    each.removeLayer?.();
    each.removeLayer = null;
    if (!each.box.checked) return;
    const { classes, is_overlapping: isOverlapping } = this.#found;
    const { line } = each;
    const layer = outlineLayer(each.labels, classes, this.#drawing.size, { isOverlapping, line });
    each.removeLayer = this.#viewer.addLayer(layer);
  }

  #compare() {
    const { classes, is_overlapping: isOverlapping } = this.#found;
    const foreground = classes.filter(({ index }) => index > 0);
    for (const { labels, figures } of this.#shown) {
      if (labels === null) continue;
      const words = foreground.map(({ index, name }) => {
        const how = { index, isOverlapping, region: this.#region };
        const said = diceWords(counts(this.#drawing.labels, labels, how));
        return foreground.length > 1 ? `${name} ${said}` : said;
      });
      figures.textContent = `Dice: ${words.join(", ")}`;
    }
  }
}

function lineOf(place) {
  const colour = COLOURS[place % COLOURS.length];
  return { dash_px: DASHES_PX[place % DASHES_PX.length], width_px: 1.5, halo_px: 0.5, colour };
}

/** What the line looks like, drawn as it is over the picture. */
function drawn(line) {
  const { width, height } = SAMPLE_PX;
  const ratio = Math.max(1, devicePixelRatio);
  const canvas = build("canvas", { class: "line", width: width * ratio, height: height * ratio, "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const path = new Path2D();
  path.moveTo(2, height / 2);
  path.lineTo(width - 2, height / 2);
  stroke(context, path, line);
  return canvas;
}

function ruleOf({ classes, links }) {
  const where = links.region ? "over the pixels inside the region of interest" : "over all pixels";
  const each = classes.filter(({ index }) => index > 0).length > 1 ? ", class by class" : "";
  return (
    `Dice of the mask as it is drawn here against each of theirs, ${where}${each}. Pixels of which ` +
    "one of the two knows nothing do not count. People differ: it is no ceiling for a model."
  );
}
