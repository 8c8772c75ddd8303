/** One prediction at the thresholds that somebody moves. */

import { API, askJSON } from "../api.js";

// The server measures once a slider has rested this long.
const REST_MS = 200;

/**
 * Events: `threshold` at every move, `gate` once it has another verdict, `document` once the
 * server has measured anew, `problem` where that failed.
 */
export class Result extends EventTarget {
  /** By hand; null is the threshold that the image was sent with, as a rule the chosen one. */
  threshold = null;
  gateThreshold = null;
  /** What the server said last, and first of all: at no threshold by hand. */
  document = null;
  own = null;

  #address;
  #timer = 0;
  #asking = null;
  #due = new Set(); // events of questions that a later one has overtaken are told with its answer

  constructor(id) {
    super();
    this.#address = `${API}/predictions/${id}`;
  }

  /** Thresholds in the page's own address come back with a reload. */
  async load(search = location.search) {
    this.own = this.document = await askJSON(this.#address);
    const asked = new URLSearchParams(search);
    if (this.canCut) this.threshold = share(asked.get("threshold"));
    if (this.own.gate !== null) this.gateThreshold = share(asked.get("gate_threshold"));
    if (this.query !== "") this.document = await askJSON(this.#address + this.query);
  }

  /** Whether a threshold decides, and not which of several classes is the likeliest. */
  get canCut() {
    return this.own.is_overlapping || this.own.classes.length === 2;
  }

  get isOpen() {
    return this.document.gate?.is_present ?? true;
  }

  get classes() {
    return this.own.classes.filter((each) => each.index > 0);
  }

  /** One a class, background aside. */
  get thresholds() {
    if (this.threshold !== null) return this.classes.map(() => this.threshold);
    const { value, values } = this.own.threshold;
    return values ?? [value];
  }

  get query() {
    const asked = new URLSearchParams();
    if (this.threshold !== null) asked.set("threshold", this.threshold);
    if (this.gateThreshold !== null) asked.set("gate_threshold", this.gateThreshold);
    return asked.size === 0 ? "" : `?${asked}`;
  }

  moveThreshold(threshold) {
    this.threshold = threshold;
    this.dispatchEvent(new CustomEvent("threshold"));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask("document"), REST_MS);
  }

  /** At 0 a gate lets every image through; null is its own verdict. */
  moveGate(threshold) {
    this.gateThreshold = threshold;
    clearTimeout(this.#timer);
    return this.#ask("gate", "document");
  }

  async #ask(...events) {
    for (const each of events) this.#due.add(each);
    this.#asking?.abort();
    const asking = (this.#asking = new AbortController());
    try {
      this.document = await askJSON(this.#address + this.query, { signal: asking.signal });
    } catch (error) {
      if (error.name === "AbortError") return;
      this.dispatchEvent(new CustomEvent("problem", { detail: error }));
      return;
    }
    history.replaceState(null, "", location.pathname + this.query);
    const due = [...this.#due];
    this.#due.clear();
    for (const each of due) this.dispatchEvent(new CustomEvent(each));
  }
}

/** A number from 0 to 1, or null. */
function share(text) {
  const number = Number(text);
  return text !== null && text !== "" && number >= 0 && number <= 1 ? number : null;
}
