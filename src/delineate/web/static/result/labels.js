/** The labels in the viewer follow threshold and gate at once, and the server's pass where needed. */

import { readFloats, readGrey } from "../viewer/reading.js";
import { Thresholder } from "../viewer/thresholder.js";

export class Labels {
  #result;
  #viewer;
  #maps = new Map();
  #thresholder = null;
  #turn = 0;

  constructor(result, viewer, onProblem) {
    this.#result = result;
    this.#viewer = viewer;
    result.addEventListener("threshold", () => this.#cut());
    result.addEventListener("gate", () => this.#reload().catch(onProblem));
  }

  /** First the server's labels, then the maps from which a slider makes others. */
  async load() {
    const turn = (this.#turn += 1);
    const { own, query } = this.#result;
    const labels = await readGrey(own.links.labels + query, own.image);
    if (turn !== this.#turn) return;
    this.#show(labels);
    await this.#prepare(turn);
  }

  /** The gate opened or closed: probability is another. */
  async #reload() {
    this.#maps.clear();
    this.#thresholder?.close();
    this.#thresholder = null;
    await this.load();
  }

  /** The map of a class, kept once it is here. */
  map(index) {
    const { own, gateThreshold } = this.#result;
    if (!this.#maps.has(index)) {
      const query = gateThreshold === null ? "" : `?gate_threshold=${gateThreshold}`;
      const address = `${own.links.probability}/${index}${query}`;
      const coming = readFloats(address, own.image);
      coming.catch(() => this.#maps.delete(index));
      this.#maps.set(index, coming);
    }
    return this.#maps.get(index);
  }

  async #prepare(turn) {
    // A closed gate leaves nothing, whatever the threshold.
    if (!this.#result.canCut || !this.#result.isOpen) return;
    const { own, classes } = this.#result;
    const maps = await Promise.all(classes.map((each) => this.map(each.index)));
    if (turn !== this.#turn) return;
    const size = { width: own.image.width_px, height: own.image.height_px };
    this.#thresholder = new Thresholder(maps, size, own.minimum_area_px, (labels) =>
      this.#show(labels),
    );
    if (this.#result.threshold !== null) this.#cut();
  }

  #cut() {
    this.#thresholder?.ask(this.#result.thresholds);
  }

  #show(labels) {
    const { classes, is_overlapping: isOverlapping } = this.#result.own;
    this.#viewer.setLabels(labels, classes, { isOverlapping });
  }
}
