/** One image that was sent: from waiting to its result, or to what was wrong with it. */

import { API, askJSON } from "../api.js";
import { at, build } from "../elements.js";
import { announce } from "../toast.js";
import { remember } from "./recent.js";
import { drawThumbnail } from "./thumbnail.js";
import { foundWords, verdictWords } from "./words.js";

const LOOKING = "the model looks at it";

export class Row {
  #calls;
  #stop = new AbortController();
  #hasFrames = false;

  /**
   * @param {File} file
   * @param {{again: (row: Row) => void, gone: (row: Row) => void}} calls what its buttons ask for
   */
  constructor(file, calls) {
    this.file = file;
    this.#calls = calls;
    this.element = at("row").content.firstElementChild.cloneNode(true);
    this.#part(".name").textContent = file.name;
    this.#part(".remove").setAttribute("aria-label", `Remove ${file.name}`);
    this.#part(".remove").addEventListener("click", () => this.remove());
    this.#part(".again").addEventListener("click", () => this.#tryAgain());
    this.#say("waiting");
  }

  /** Ends what is under way and takes the row out of the list. */
  remove() {
    this.#stop.abort(new DOMException("removed", "AbortError"));
    this.element.remove();
    this.#calls.gone(this);
  }

  /** @returns {Promise<object | null>} the PredictionDocument; null where there is none */
  async predict() {
    if (this.#stop.signal.aborted) return null;
    this.#say(LOOKING);
    try {
      const prediction = await this.#asked();
      this.#show(prediction);
      await this.#picture(prediction);
      return prediction;
    } catch (problem) {
      if (problem.name !== "AbortError") this.fail(problem.message, problem.kind);
      return null;
    }
  }

  /** Says what was wrong and offers another try; of a file of several frames with one of them. */
  fail(words, kind = "") {
    this.element.classList.add("failed");
    this.#part(".spinner").hidden = true;
    this.#part(".again").hidden = false;
    if (kind === "several_frames") this.#askFrame();
    const reason = words.replace(`${this.file.name}: `, ""); // the name stands above it
    this.#say(`Not done: ${reason}`);
    announce(`${this.file.name} was not done: ${reason}`);
  }

  #askFrame() {
    this.#hasFrames = true;
    this.#part(".frame").hidden = false;
    this.#part(".again").textContent = "Take this frame";
    this.#part(".frame input").setAttribute("aria-label", `Frame of ${this.file.name}`);
  }

  #asked() {
    const form = new FormData();
    form.append("image", this.file, this.file.name);
    if (this.#hasFrames) form.append("frame", this.#part(".frame input").value || "1");
    return askJSON(`${API}/predictions`, {
      method: "POST",
      form,
      signal: this.#stop.signal,
      patient: true, // the same image twice does no harm
      onWait: (words) => this.#say(words ?? LOOKING),
    });
  }

  #show(prediction) {
    const classes = new Map(prediction.classes.map((each) => [each.index, each]));
    const found = prediction.measurements.classes.filter((each) => each.count > 0);
    this.#part(".spinner").hidden = true;
    this.#part(".frame").hidden = true;
    this.#say(verdictWords(prediction.gate, found.length) + this.#frameWords());
    this.#part(".found").append(...found.map((each) => item(each, classes.get(each.class_index))));
    const open = this.#part(".open");
    open.href = `/result/${prediction.id}`;
    open.hidden = false;
    open.setAttribute("aria-label", `Open the result of ${this.file.name}`);
    announce(`${this.file.name}: ${this.#part(".words").textContent}`);
  }

  async #picture(prediction) {
    const seen = { id: prediction.id, name: prediction.image.name, kind: "result" };
    remember(seen); // at once: whoever goes on meanwhile finds it again
    const canvas = this.#part(".thumb");
    try {
      await drawThumbnail(canvas, prediction);
      remember({ ...seen, thumbnail: canvas.toDataURL("image/jpeg", 0.8) });
    } catch {
      // a result without a small picture is one all the same
    }
  }

  #tryAgain() {
    this.element.classList.remove("failed");
    this.#part(".spinner").hidden = false;
    this.#part(".again").hidden = true;
    this.#say("waiting");
    this.#calls.again(this);
  }

  #frameWords() {
    return this.#hasFrames ? `, frame ${this.#part(".frame input").value || 1}` : "";
  }

  #say(words) {
    this.#part(".state").textContent = words;
  }

  #part(selector) {
    return this.element.querySelector(selector);
  }
}

function item(measure, { name, colour }) {
  const swatch = build("span", { class: "swatch" });
  swatch.style.backgroundColor = `rgb(${colour.join(" ")})`;
  return build("li", {}, swatch, foundWords(measure, name));
}
