/** How the prediction is drawn: areas, outlines, the probability itself, or where the gate looked. */

import { at, build } from "../elements.js";
import { heatColour } from "../viewer/heat.js";
import { readGrey } from "../viewer/reading.js";
import { number4 } from "../words.js";

const MASKS = new Set(["fill", "outline", "none"]);
// Heat hides nothing where it is cold, so it bears more than areas do.
const OPACITIES = { fill: 0.4, outline: 0.5, probability: 0.75, gate: 0.6, none: 0 };
const PROBABILITY_WORDS =
  "The hotter, the surer the model is. The mark is the threshold: from there on pixels count.";
const GATE_WORDS =
  "Where the gate's network looked, as a share of the most in this picture. It says nothing " +
  "about where anything lies.";

export class LookPanel {
  #result;
  #viewer;
  #labels;
  #onProblem;
  #gateHeat = null;
  #style = "fill";
  #opacities = { ...OPACITIES };
  #turn = 0;

  constructor(result, viewer, labels, onProblem) {
    this.#result = result;
    this.#viewer = viewer;
    this.#labels = labels;
    this.#onProblem = onProblem;
    at("style-gate").hidden = !this.hasGate;
    at("styles").addEventListener("change", (event) => this.show(event.target.value));
    at("opacity").addEventListener("input", (event) => {
      this.#opacities[this.#style] = Number(event.target.value);
      this.#showOpacity();
    });
    this.#offerClasses();
    result.addEventListener("threshold", () => this.#showMark());
    result.addEventListener("gate", () => this.show(this.#style));
    this.show("fill");
  }

  /** Whether there is a gate that can show where it looked. */
  get hasGate() {
    return this.#result.own.links.heat_map !== undefined;
  }

  /** @param {"fill" | "outline" | "none" | "probability" | "gate"} style */
  async show(style) {
    const turn = (this.#turn += 1);
    this.#style = style;
    for (const each of at("styles").querySelectorAll("input")) each.checked = each.value === style;
    this.#showOpacity();
    at("heat").hidden = MASKS.has(style);
    if (MASKS.has(style)) {
      this.#viewer.style = style;
      this.#viewer.setProbability(null);
      return;
    }
    this.#explainHeat();
    try {
      const heat = await (style === "gate" ? this.#gate() : this.#labels.map(this.#class));
      if (turn === this.#turn) this.#viewer.setProbability(heat);
    } catch (error) {
      this.#onProblem(error);
    }
  }

  get #class() {
    return Number(at("heat-class").value);
  }

  #offerClasses() {
    const { own, classes } = this.#result;
    const hasBackground = !own.is_overlapping && classes.length > 1;
    const offered = hasBackground ? own.classes : classes;
    at("heat-class").append(
      ...offered.map((each) => build("option", { value: each.index }, each.name)),
    );
    at("heat-class").value = classes[0].index;
    at("heat-class-field").hidden = offered.length === 1;
    at("heat-class").addEventListener("change", () => this.show(this.#style));
  }

  #gate() {
    const { own } = this.#result;
    this.#gateHeat ??= readGrey(own.links.heat_map, own.image).then((grey) =>
      Float32Array.from(grey, (each) => each / 255),
    );
    this.#gateHeat.catch(() => (this.#gateHeat = null));
    return this.#gateHeat;
  }

  #showOpacity() {
    const opacity = this.#opacities[this.#style];
    at("opacity").value = opacity;
    at("opacity").disabled = this.#style === "none";
    at("opacity-value").textContent = `${Math.round(100 * opacity)} %`;
    this.#viewer.opacity = opacity;
    drawScale(at("heat-scale"), opacity);
  }

  #explainHeat() {
    const isGate = this.#style === "gate";
    at("heat-class-field").hidden = isGate || at("heat-class").options.length === 1;
    at("heat-low").textContent = isGate ? "least" : "0";
    at("heat-high").textContent = isGate ? "most in this picture" : "1";
    at("heat-words").textContent = isGate ? GATE_WORDS : PROBABILITY_WORDS;
    this.#showMark();
  }

  /** The threshold on the scale, where there is one for the class that is shown. */
  #showMark() {
    const mark = at("heat-mark");
    const place = this.#result.classes.findIndex((each) => each.index === this.#class);
    mark.hidden = this.#style !== "probability" || !this.#result.canCut || place < 0;
    if (mark.hidden) return;
    const threshold = this.#result.thresholds[place];
    mark.style.left = `${100 * threshold}%`;
    mark.title = number4(threshold);
  }
}

/** The colours of heat as they look over the grey of a picture. */
function drawScale(canvas, opacity) {
  const context = canvas.getContext("2d");
  const { width, height } = canvas;
  const backdrop = 110;
  for (let x = 0; x < width; x += 1) {
    const share = x / (width - 1);
    const mixed = heatColour(share).map((each) =>
      Math.round(backdrop * (1 - opacity * share) + each * opacity * share),
    );
    context.fillStyle = `rgb(${mixed.join(" ")})`;
    context.fillRect(x, 0, 1, height);
  }
}
