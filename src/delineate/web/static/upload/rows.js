/** The list of images that were sent one by one: a row each, from waiting to result. */

import { API, askJSON } from "../api.js";
import { announce } from "../toast.js";
import { remember } from "./recent.js";
import { drawThumbnail } from "./thumbnail.js";
import { foundWords, gateWords, size } from "./words.js";

const AT_ONCE = 2; // one is sent while the other is in the model

export class Rows {
  #list;
  #limits;
  #waiting = [];
  #running = 0;

  /**
   * @param {HTMLOListElement} list
   * @param {{largestUpload: number}} limits
   */
  constructor(list, limits) {
    this.#list = list;
    this.#limits = limits;
  }

  get length() {
    return this.#list.children.length;
  }

  /** Adds a row for each file and sends them in turn. @returns {Promise<object | null>[]} */
  add(files) {
    return files.map((file) => {
      const row = new Row(file, (one) => this.#enter(one));
      this.#list.append(row.element);
      return this.#enter(row);
    });
  }

  clear() {
    for (const row of this.#waiting) row.stop();
    this.#waiting = [];
    for (const element of [...this.#list.children]) element.dispatchEvent(new Event("remove"));
  }

  #enter(row) {
    if (row.file.size > this.#limits.largestUpload) {
      const most = size(this.#limits.largestUpload);
      row.fail(`The file has ${size(row.file.size)}; this server takes ${most} at most. Reduce it.`);
      return Promise.resolve(null);
    }
    return new Promise((resolve) => {
      this.#waiting.push(Object.assign(row, { resolve }));
      this.#go();
    });
  }

  async #go() {
    while (this.#running < AT_ONCE && this.#waiting.length > 0) {
      const row = this.#waiting.shift();
      this.#running += 1;
      row.predict().then((prediction) => {
        this.#running -= 1;
        row.resolve(prediction);
        this.#go();
      });
    }
  }
}

class Row {
  #again;
  #stop = new AbortController();

  constructor(file, again) {
    this.file = file;
    this.#again = again;
    this.element = document.getElementById("row").content.firstElementChild.cloneNode(true);
    this.element.addEventListener("remove", () => this.stop());
    this.#part(".name").textContent = file.name;
    this.#part(".remove").setAttribute("aria-label", `Remove ${file.name}`);
    this.#part(".remove").addEventListener("click", () => this.stop());
    this.#part(".again").addEventListener("click", () => this.#tryAgain());
    this.#say("waiting");
  }

  /** Ends what is under way and takes the row out of the list. */
  stop() {
    this.#stop.abort(new DOMException("removed", "AbortError"));
    this.element.remove();
  }

  /** @returns {Promise<object | null>} the PredictionDocument; null where there is none */
  async predict() {
    if (this.#stop.signal.aborted) return null;
    this.#say("being looked at");
    const form = new FormData();
    form.append("image", this.file, this.file.name);
    try {
      const prediction = await askJSON(`${API}/predictions`, {
        method: "POST",
        form,
        signal: this.#stop.signal,
        patient: true, // the same image twice does no harm
        onWait: (words) => this.#say(words ?? "being looked at"),
      });
      await this.#show(prediction);
      return prediction;
    } catch (problem) {
      if (problem.name !== "AbortError") this.fail(problem.message);
      return null;
    }
  }

  fail(words) {
    this.element.classList.add("failed");
    this.#part(".spinner").hidden = true;
    this.#part(".again").hidden = false;
    this.#say(`Not done: ${words}`);
    announce(`${this.file.name} was not done: ${words}`);
  }

  async #show(prediction) {
    const found = prediction.measurements.classes.filter((each) => each.class_index > 0);
    const names = new Map(prediction.classes.map((each) => [each.index, each]));
    const some = found.filter((each) => each.count > 0);
    const gate = gateWords(prediction.gate);
    this.#part(".spinner").hidden = true;
    this.#say(gate ?? (some.length > 0 ? "" : "nothing found"));
    for (const each of some) this.#list(each, names.get(each.class_index));
    const open = this.#part(".open");
    open.href = `/result/${prediction.id}`;
    open.hidden = false;
    open.setAttribute("aria-label", `Open the result of ${this.file.name}`);
    announce(`${this.file.name}: ${this.#part(".words").innerText}`);
    await this.#picture(prediction);
  }

  #list(measure, named) {
    const item = document.createElement("li");
    const swatch = document.createElement("span");
    swatch.className = "swatch";
    swatch.style.backgroundColor = `rgb(${named.colour.join(" ")})`;
    item.append(swatch, foundWords(measure, named.name));
    this.#part(".found").append(item);
  }

  async #picture(prediction) {
    const canvas = this.#part(".thumb");
    const seen = { id: prediction.id, name: prediction.image.name, thumbnail: null };
    try {
      await drawThumbnail(canvas, prediction);
      seen.thumbnail = canvas.toDataURL("image/jpeg", 0.8);
    } finally {
      remember(seen); // a result without a small picture is one all the same
    }
  }

  #tryAgain() {
    this.element.classList.remove("failed");
    this.#part(".spinner").hidden = false;
    this.#part(".again").hidden = true;
    this.#say("waiting");
    this.#again(this);
  }

  #say(words) {
    this.#part(".state").textContent = words;
  }

  #part(selector) {
    return this.element.querySelector(selector);
  }
}
