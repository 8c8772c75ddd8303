/** Which grey levels of a 16-bit picture are black and white. It changes the view and nothing else. */

import { at, build } from "../elements.js";
import { number4 } from "../words.js";

const MOST_BINS = 4096;
const TAIL = 0.005;

export class WindowPanel {
  #viewer;
  #range;

  constructor(result, viewer) {
    this.#viewer = viewer;
    if (!viewer.hasWindow) return;
    at("window").hidden = false;
    this.#range = viewer.range();
    this.#offer(result.own.image.window);
    at("window-level").addEventListener("input", () => this.#slid());
    at("window-width").addEventListener("input", () => this.#slid());
    viewer.addEventListener("window", () => this.#show());
    this.#show();
  }

  #offer({ low, high, origin }) {
    const { low: least, high: most } = this.#range;
    const presets = [
      ["At first", { low, high }, origin],
      ["Middle 99 %", middle(this.#viewer, this.#range), "0.5th to 99.5th percentile"],
      ["All levels", { low: least, high: most }, "lowest to highest value"],
    ];
    at("window-presets").replaceChildren(
      ...presets.map(([name, window, title]) => {
        const button = build("button", { type: "button", class: "button compact", title }, name);
        button.addEventListener("click", () => (this.#viewer.window = window));
        return button;
      }),
    );
  }

  /** The slider of the width is quadratic: narrow windows need the finest steps. */
  #slid() {
    const level = Number(at("window-level").value);
    const width = Math.max(this.#span / 65536, this.#span * Number(at("window-width").value) ** 2);
    this.#viewer.window = { low: level - width / 2, high: level + width / 2 };
  }

  get #span() {
    return Math.max(this.#range.high - this.#range.low, 1e-6);
  }

  #show() {
    const { low, high } = this.#viewer.window;
    const [level, width] = [(low + high) / 2, high - low];
    const slider = at("window-level");
    slider.min = Math.min(this.#range.low, level);
    slider.max = Math.max(this.#range.high, level);
    slider.value = level;
    slider.setAttribute("aria-valuetext", number4(level));
    at("window-level-value").textContent = number4(level);
    at("window-width").value = Math.min(1, Math.sqrt(width / this.#span));
    at("window-width").setAttribute("aria-valuetext", number4(width));
    at("window-width-value").textContent = `${number4(width)}: ${number4(low)} to ${number4(high)}`;
  }
}

/** All but the darkest and the brightest 0.5 % of the pixels, to one of 4,096 steps. */
function middle(viewer, { low, high }) {
  const { width_px: width, height_px: height } = viewer;
  const counts = new Uint32Array(MOST_BINS);
  const step = Math.max(high - low, 1e-6) / (MOST_BINS - 1);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      counts[Math.round((viewer.value(row, column) - low) / step)] += 1;
    }
  }
  const beyond = TAIL * width * height;
  const [first, last] = [reached(counts, beyond), reached(counts.toReversed(), beyond)];
  const window = { low: low + first * step, high: low + (MOST_BINS - 1 - last) * step };
  return window.high > window.low ? window : { low, high };
}

function reached(counts, beyond) {
  let sum = 0;
  return Math.max(0, counts.findIndex((count) => (sum += count) > beyond));
}
