/** What may be decided on a finding, as buttons with their meaning. */

import { at, build } from "../elements.js";
import { carry } from "./carried.js";
import { decide, findingOf } from "./desk.js";
import { nextAddress } from "./next_finding.js";
import { choice } from "./notices.js";
import { Samples } from "./samples.js";

const NAMES = {
  keep_one: "Keep one",
  keep_both: "Keep all",
  keep: "Leave it as it is",
  union: "Union",
  intersection: "Intersection",
  majority: "Majority",
  replace: "Mend a mask",
  drop: "Drop",
  not_a_twin: "Different pictures",
};

export class Actions {
  isBusy = false;
  #finding;
  #seen;

  constructor(finding) {
    this.see(finding);
    at("actions").replaceChildren(...finding.actions.map((action) => this.#part(action)));
  }

  /** The finding as others have left it: what is decided from here on knows of their decisions. */
  see(finding) {
    this.#finding = finding;
    this.#seen = Math.max(0, ...finding.decisions.map(({ number }) => number));
  }

  #part({ name, meaning, takes }) {
    const buttons = build("div", { class: "row" });
    const part = build("div", { class: "action" }, buttons, build("p", { class: "hint" }, sentence(meaning)));
    if (takes === "nothing") buttons.append(this.#button(NAMES[name] ?? name, () => this.#decide(name)));
    if (takes === "one_sample") {
      this.#finding.samples.forEach((sample, place) => {
        buttons.append(this.#button(`${NAMES[name]}: ${this.#called(sample, place)}`, () => this.#decide(name, [sample])));
      });
    }
    if (takes === "samples") part.prepend(this.#choosing(name));
    if (takes === "mask") buttons.append(...this.#links());
    return part;
  }

  #called(sample, place) {
    const isShort = sample.length <= 16;
    return this.#finding.samples.length > 1 ? `${Samples.letter(place)}${isShort ? ` (${sample})` : ""}` : sample;
  }

  #button(words, act) {
    const button = build("button", { type: "button", class: "button" }, words);
    button.addEventListener("click", act);
    return button;
  }

  #choosing(name) {
    const { samples } = this.#finding;
    if (samples.length === 1) return build("div", { class: "row" }, this.#button(NAMES[name], () => this.#decide(name, samples)));
    const boxes = samples.map((sample, place) => {
      const box = build("input", { type: "checkbox", value: sample });
      return build("label", { class: "choice" }, box, this.#called(sample, place));
    });
    const group = build("fieldset", { class: "some" }, build("legend", { class: "visually-hidden" }, "Samples to drop"), ...boxes);
    const button = this.#button(`${NAMES[name]} the chosen`, () => {
      const chosen = [...group.querySelectorAll(":checked")].map(({ value }) => value);
      if (chosen.length) this.#decide(name, chosen);
      else this.#say("Choose at least one sample to drop.");
    });
    return build("div", { class: "stack tight" }, group, build("div", { class: "row" }, button));
  }

  #links() {
    const query = new URLSearchParams(location.search);
    query.set("finding", this.#finding.id);
    return this.#finding.cases.slice(0, 8).flatMap((key, place) => {
      if (key === null) return [];
      const words = `Mend ${this.#called(this.#finding.samples[place], place)}`;
      return [build("a", { class: "button", href: `/review/case/${key}?${query}` }, words)];
    });
  }

  async #decide(action, samples = []) {
    if (this.isBusy) return;
    this.isBusy = true;
    this.#say("Saving …");
    try {
      const next = await nextAddress(this.#finding.id);
      const made = await decide({
        finding: this.#finding.id,
        action,
        samples,
        why: at("why").value.trim(),
        seen: this.#seen,
      });
      if (!made) {
        this.#say("Not decided: nobody said who decides.");
        return;
      }
      carry(made);
      location.assign(next ?? at("queue").href);
    } catch (error) {
      this.#say(`Not decided: ${error.message}`);
      if (error.status === 409) await this.#tellConflict(action, samples);
    } finally {
      this.isBusy = false;
    }
  }

  async #tellConflict(action, samples) {
    const now = await findingOf(this.#finding.id);
    const theirs = now.decisions.filter(({ number }) => number > this.#seen);
    const lines = theirs.map(({ number, who, words, why }) => `${number}: ${who}, ${words}${why ? `, “${why}”` : ""}`);
    choice("bad", "Somebody decided on it meanwhile", `${lines.join("; ")}. Yours is not saved.`, {
      "Leave it at theirs": () => location.reload(),
      "Decide all the same": () => {
        this.see(now);
        this.#decide(action, samples);
      },
    });
  }

  #say(words) {
    at("state").textContent = words;
  }
}

function sentence(words) {
  return `${words[0].toUpperCase()}${words.slice(1)}.`;
}
