/** What the gate says, and segmenting in spite of it. */

import { at, build } from "../elements.js";
import { number4 } from "../words.js";

export class GatePanel {
  #result;

  /** `onLook` shows where it looked. */
  constructor(result, onLook) {
    this.#result = result;
    if (result.own.gate === null) return;
    at("gate").hidden = false;
    at("gate-look").hidden = !result.own.gate.has_heat_map;
    at("gate-look").addEventListener("click", onLook);
    at("gate-open").addEventListener("click", () => this.#turn());
    result.addEventListener("document", () => this.#show());
    this.#show();
  }

  get #isByHand() {
    return this.#result.gateThreshold !== null;
  }

  async #turn() {
    const button = at("gate-open");
    button.disabled = true;
    await this.#result.moveGate(this.#isByHand ? null : 0);
    button.disabled = false;
    button.focus();
  }

  #show() {
    const { probability } = this.#result.document.gate;
    const { threshold, rule, is_present: isPresent } = this.#result.own.gate;
    const badge = at("gate-badge");
    badge.textContent = isPresent ? "something" : "nothing";
    badge.className = isPresent ? "badge good" : "badge warn";
    const words = `${number4(probability)}, ${isPresent ? "at least" : "below"} ${number4(threshold)}`;
    showGauge(at("gate-gauge"), probability, threshold, words);
    at("gate-words").textContent = this.#sentence(words, isPresent);
    at("gate-rule").textContent = `${number4(threshold)}: ${rule}.`;
    const button = at("gate-open");
    button.hidden = isPresent && !this.#isByHand;
    button.textContent = this.#isByHand ? "Back to its verdict" : "Segment anyway";
  }

  #sentence(words, isPresent) {
    const said = `The gate says ${words}`;
    if (isPresent) return `${said}: the picture is segmented.`;
    if (!this.#isByHand) return `${said}: nothing is segmented.`;
    return `${said}. It was segmented all the same, by hand; the model's scores do not hold so.`;
  }
}

function showGauge(gauge, share, cut, words) {
  gauge.setAttribute("aria-label", `Probability that anything is there: ${words}`);
  const bar = build("span", { class: "bar-of" });
  bar.style.width = `${100 * share}%`;
  const mark = build("span", { class: "cut" });
  mark.style.left = `${100 * cut}%`;
  gauge.replaceChildren(bar, mark);
}
