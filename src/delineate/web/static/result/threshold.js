/** The threshold: a slider that acts at once, and what leaving the chosen value means. */

import { at } from "../elements.js";
import { number4 } from "../words.js";

const STEP = 0.005;
const KEY_STEP = 0.01;
// Half the width of the slider's thumb, by which its middle stays inside the track.
const THUMB_REM = 0.625;

export class ThresholdPanel {
  #result;

  constructor(result) {
    this.#result = result;
    const { threshold } = result.own;
    if (!result.canCut) {
      at("threshold-parts").hidden = at("threshold-badge").hidden = true;
      at("threshold-how").textContent = "None: the likeliest class counts";
      at("threshold-origin").textContent = sentence(threshold.origin);
      return;
    }
    at("threshold-slider").addEventListener("input", (event) =>
      this.move(Number(event.target.value)),
    );
    at("threshold-number").addEventListener("change", (event) => this.#typed(event.target));
    at("threshold-back").addEventListener("click", () => this.back());
    if (threshold.chosen !== null) placeMark(at("threshold-mark"), threshold.chosen);
    else at("threshold-mark").hidden = true;
    result.addEventListener("threshold", () => this.#show());
    result.addEventListener("document", () => this.#explain());
    this.#show();
    this.#explain();
  }

  /** By hand: in steps, but for the chosen value, which catches what comes near. */
  move(value) {
    const { chosen } = this.#result.own.threshold;
    const near = chosen !== null && Math.abs(value - chosen) < STEP / 2;
    const stepped = Number((Math.round(value / STEP) * STEP).toFixed(3));
    this.#result.moveThreshold(near ? chosen : Math.min(1, Math.max(0, stepped)));
  }

  nudge(steps) {
    if (this.#result.canCut) this.move(this.#current + steps * KEY_STEP);
  }

  /** To the one that the scores belong to. */
  back() {
    if (this.#result.canCut) this.#result.moveThreshold(this.#result.own.threshold.chosen);
  }

  /** Classes that overlap have one each; the slider starts at their mean. */
  get #current() {
    const { thresholds } = this.#result;
    return thresholds.reduce((sum, each) => sum + each, 0) / thresholds.length;
  }

  get #isChosen() {
    const { threshold, own } = this.#result;
    if (own.threshold.chosen === null) return threshold === null;
    return (threshold ?? own.threshold.value) === own.threshold.chosen;
  }

  #typed(input) {
    const value = input.valueAsNumber;
    if (value >= 0 && value <= 1) this.#result.moveThreshold(value);
    else this.#show();
  }

  #show() {
    const current = this.#current;
    at("threshold-slider").value = current;
    at("threshold-slider").setAttribute("aria-valuetext", number4(current));
    at("threshold-number").value = Number(current.toPrecision(4));
    const badge = at("threshold-badge");
    badge.textContent = this.#isChosen ? "as chosen" : "by hand";
    badge.className = this.#isChosen ? "badge good" : "badge warn";
    const back = at("threshold-back");
    const { chosen } = this.#result.own.threshold;
    back.hidden = this.#isChosen;
    back.textContent = chosen === null ? "Back to the chosen ones" : `Back to ${number4(chosen)}`;
    if (this.#isChosen) at("threshold-warning").hidden = true;
  }

  #explain() {
    const { warning } = this.#result.document.threshold;
    const warns = at("threshold-warning");
    warns.hidden = warning === null || this.#isChosen;
    if (!warns.hidden) warns.textContent = warning;
    const { origin, values } = this.#result.own.threshold;
    const each = values === null ? "" : `One a class, ${values.map(number4).join(", ")}: `;
    at("threshold-origin").textContent = sentence(each + origin);
    at("threshold-closed").hidden = this.#result.isOpen;
  }
}

const sentence = (words) => `${words[0].toUpperCase()}${words.slice(1)}.`;

/** Put a mark under the middle that a slider's thumb has at a value from 0 to 1. */
function placeMark(mark, value) {
  mark.style.left = `calc(${THUMB_REM}rem + ${value} * (100% - ${2 * THUMB_REM}rem))`;
}
