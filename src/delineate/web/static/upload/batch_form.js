/** Many images as one batch: what is wanted of it, sending it, and on to its page. */

import { API, send } from "../api.js";
import { at } from "../elements.js";
import { counted, size } from "../words.js";
import { remember } from "./recent.js";

export class BatchForm {
  #dialog = at("batch");
  #form = at("batch-form");
  #limits;
  #files = [];
  #sending = null;

  /** @param {{mostFiles: number, largestRequest: number, largestUpload: number}} limits */
  constructor(limits) {
    this.#limits = limits;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#start();
    });
    this.#part("cancel").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => this.#sending?.abort());
  }

  /**
   * Asks what is wanted of these files.
   * @param {File[]} files
   * @param {string | null} leftOut words on files that are not among them
   */
  open(files, leftOut) {
    this.#files = files;
    const bytes = total(files);
    const problem = this.#tooMuch(files, bytes);
    this.#part("words").textContent =
      `${counted(files.length, "image")}, ${size(bytes)}. They become one batch, with one ZIP ` +
      "archive of all masks at the end.";
    this.#tell("left-out", leftOut);
    this.#tell("problem", problem);
    this.#part("start").disabled = problem !== null;
    at("sending").hidden = true;
    this.#dialog.showModal();
  }

  #tooMuch(files, bytes) {
    const { mostFiles, largestRequest, largestUpload } = this.#limits;
    const large = files.find((file) => file.size > largestUpload);
    const way = "send them in parts, or use `delineate predict` in a terminal";
    if (files.length > mostFiles) return `One batch takes ${counted(mostFiles, "image")}: ${way}.`;
    if (bytes > largestRequest) return `One batch takes ${size(largestRequest)}: ${way}.`;
    if (large) return `${large.name} has ${size(large.size)}; one image may have ${size(largestUpload)}.`;
    return null;
  }

  async #start() {
    const form = new FormData(this.#form);
    for (const name of ["overlays", "objects", "probabilities"]) {
      form.set(name, String(this.#form.elements[name].checked));
    }
    for (const file of this.#files) form.append("images", file, file.name);
    this.#sending = new AbortController();
    this.#part("start").disabled = true;
    this.#tell("problem", null);
    try {
      const job = await send(`${API}/jobs`, form, {
        signal: this.#sending.signal,
        onProgress: (done, all) => this.#showProgress(done, all),
      });
      remember({ id: job.id, name: `Batch of ${counted(job.total, "image")}`, kind: "batch" });
      location.assign(`/batch/${job.id}`);
    } catch (problem) {
      if (problem.name === "AbortError") return;
      this.#tell("problem", problem.message);
      this.#part("start").disabled = false;
    }
  }

  #showProgress(done, all) {
    at("sending").hidden = false;
    at("sending-bar").value = done / all;
    at("sending-words").textContent =
      done < all ? `Sending: ${size(done)} of ${size(all)}.` : "Sent; the server puts them in order.";
  }

  #tell(name, words) {
    this.#part(name).hidden = words === null;
    this.#part(name).textContent = words ?? "";
  }

  #part(name) {
    return at(`batch-${name}`);
  }
}

const total = (files) => files.reduce((sum, file) => sum + file.size, 0);
