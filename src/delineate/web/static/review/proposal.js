/** What the model says of a case: an outline over the picture, and labels to take over. */

import { askJSON } from "../api.js";
import { at } from "../elements.js";
import { readFloats, readGrey } from "../viewer/reading.js";
import { Thresholder } from "../viewer/thresholder.js";
import { counted, wholeNumber } from "../words.js";
import { outlineLayer } from "./outline.js";

export class Proposal {
  #viewer;
  #drawing;
  #found;
  #labels = null;
  #thresholder = null;
  #removeLayer = () => {};

  constructor({ viewer, drawing, found }) {
    this.#viewer = viewer;
    this.#drawing = drawing;
    this.#found = found;
    at("ask").addEventListener("click", () => this.#ask());
    at("shows").addEventListener("change", () => this.#show());
  }

  bindTaking() {
    for (const [id, how] of [["take", "whole"], ["add", "more"], ["less", "less"]]) {
      at(id).addEventListener("click", () => this.#drawing.take(this.#labels, how));
    }
  }

  async #ask() {
    at("ask").disabled = true;
    this.#say("The model looks at the picture …");
    try {
      const prediction = await askJSON(this.#found.links.prediction, { method: "POST" });
      await this.#take(prediction);
    } catch (error) {
      this.#say(error.message);
    } finally {
      at("ask").disabled = false;
    }
  }

  async #take(prediction) {
    const misfit = this.#misfit(prediction);
    if (misfit) {
      this.#say(misfit);
      return;
    }
    this.#labels = await readGrey(prediction.links.labels, prediction.image);
    const { value, chosen } = prediction.threshold;
    const isMovable = value !== null && prediction.gate?.is_present !== false;
    if (isMovable) await this.#bindThreshold(prediction, value, chosen);
    at("threshold-line").hidden = !isMovable;
    at("asked").hidden = false;
    at("ask").textContent = "Ask again";
    this.#say(words(prediction));
    this.#show();
  }

  /** Why the labels of this model cannot be those of the case. */
  #misfit({ classes }) {
    const known = new Map(this.#found.classes.map(({ index, name }) => [index, name]));
    const other = classes.find(({ index, name }) => known.get(index) !== name && index > 0 && known.size > 2);
    if (!other && classes.length <= known.size) return null;
    const names = (list) => list.map((each) => each.name).join(", ");
    return `The model tells apart ${names(classes)}; this data has ${names(this.#found.classes)}.`;
  }

  async #bindThreshold(prediction, value, chosen) {
    const map = await readFloats(`${prediction.links.probability}/1`, prediction.image);
    const { width, height } = this.#drawing.size;
    this.#thresholder?.close();
    const show = (labels) => {
      this.#labels = labels;
      setTakeable(true);
      this.#show();
    };
    this.#thresholder = new Thresholder([map], { width, height }, prediction.minimum_area_px, show);
    const slider = at("threshold");
    slider.value = value;
    const say = (threshold) => {
      at("threshold-words").textContent = threshold.toFixed(2);
      const isChosen = chosen === null || Math.abs(threshold - chosen) < 0.005;
      at("threshold-warning").hidden = isChosen;
      at("threshold-warning").textContent = `The model's scores hold at ${chosen?.toPrecision(3)}.`;
    };
    slider.oninput = () => {
      say(Number(slider.value));
      setTakeable(false); // until the labels at this threshold are there
      this.#thresholder.ask([Number(slider.value)]);
    };
    say(value);
  }

  #show() {
    this.#removeLayer();
    this.#removeLayer = () => {};
    if (!at("shows").checked || this.#labels === null) return;
    const { size, isOverlapping } = this.#drawing;
    const layer = outlineLayer(this.#labels, this.#found.classes, size, { isOverlapping });
    this.#removeLayer = this.#viewer.addLayer(layer);
  }

  #say(text) {
    at("proposal-words").textContent = text;
  }
}

function setTakeable(isTakeable) {
  for (const id of ["take", "add", "less"]) at(id).disabled = !isTakeable;
}

function words({ gate, measurements, classes, notes }) {
  if (gate && !gate.is_present) {
    return `The gate says that there is nothing (${gate.probability.toFixed(2)}, below ${gate.threshold.toFixed(2)}).`;
  }
  const found = measurements.classes.map(({ class_index: index, count, area_px: area }) => {
    const name = classes.find((each) => each.index === index)?.name ?? index;
    return `${name}: ${counted(count, "object")}, ${wholeNumber(area)} px.`;
  });
  return [...found, ...notes].join(" ");
}
