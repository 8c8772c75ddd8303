/** Labels at any thresholds, the newest first. */
export class Thresholder {
  #worker = new Worker(new URL("./threshold_worker.js", import.meta.url), { type: "module" });
  #onLabels;
  #isBusy = false;
  #next = null;

  /**
   * @param {Float32Array[]} maps of the classes without the background; they are copied
   * @param {(labels: Uint8Array) => void} onLabels thresholds that were overtaken are left out
   */
  constructor(maps, size, minimumArea, onLabels) {
    this.#onLabels = onLabels;
    this.#worker.postMessage({ maps, size, minimumArea });
    this.#worker.onmessage = ({ data }) => this.#done(data);
  }

  ask(thresholds) {
    this.#next = thresholds;
    if (!this.#isBusy) this.#send();
  }

  close() {
    this.#worker.terminate();
  }

  #send() {
    this.#isBusy = true;
    this.#worker.postMessage({ thresholds: this.#next });
    this.#next = null;
  }

  #done(labels) {
    this.#isBusy = false;
    if (this.#next === null) this.#onLabels(labels);
    else this.#send();
  }
}
