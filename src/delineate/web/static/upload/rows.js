/** The list of images that were sent one by one. */

import { Row } from "./row.js";
import { size } from "../words.js";

const AT_ONCE = 2; // one is sent while the other is in the model

export class Rows {
  #list;
  #largest;
  #rows = new Set();
  #waiting = [];
  #running = 0;

  /**
   * @param {HTMLOListElement} list
   * @param {number} largest bytes of one file
   */
  constructor(list, largest) {
    this.#list = list;
    this.#largest = largest;
  }

  get length() {
    return this.#rows.size;
  }

  /**
   * Adds a row for each file and sends them in turn.
   * @param {File[]} files
   * @returns {Promise<object | null>[]} their PredictionDocuments; null where there is none
   */
  add(files) {
    return files.map((file) => {
      const row = new Row(file, { again: (one) => this.#enter(one), gone: (one) => this.#drop(one) });
      this.#rows.add(row);
      this.#list.append(row.element);
      return this.#enter(row);
    });
  }

  clear() {
    for (const row of [...this.#rows]) row.remove();
  }

  #drop(row) {
    this.#rows.delete(row);
    this.#list.dispatchEvent(new Event("change", { bubbles: true }));
  }

  #enter(row) {
    if (row.file.size > this.#largest) {
      row.fail(
        `the file has ${size(row.file.size)}, and this server takes ${size(this.#largest)} at most. ` +
          "Reduce it, or start the server with a larger --largest-upload.",
      );
      return Promise.resolve(null);
    }
    return new Promise((resolve) => {
      this.#waiting.push({ row, resolve });
      this.#goOn();
    });
  }

  #goOn() {
    while (this.#running < AT_ONCE && this.#waiting.length > 0) {
      const { row, resolve } = this.#waiting.shift();
      this.#running += 1;
      row.predict().then((prediction) => {
        this.#running -= 1;
        resolve(prediction);
        this.#goOn();
      });
    }
  }
}
