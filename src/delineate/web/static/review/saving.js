/** From a drawing to a decision: drafts, saving, and what others decide meanwhile. */

import { at } from "../elements.js";
import { announce, toast } from "../toast.js";
import { readGrey } from "../viewer/reading.js";
import { caseOf, decide, decisionsOn, onDecisions } from "./desk.js";
import { draftOf, dropDraft, keepDraft } from "./draft.js";
import { base64, greyPng } from "./grey_png.js";
import { nextAddress } from "./next_finding.js";
import { choice } from "./notices.js";

const DRAFT_MS = 300;

export class Saving {
  #found;
  #finding;
  #drawing;
  #editor;
  #showHeader;
  #showLog;
  #seen;
  #newest = 0;
  #timer = 0;
  #isSaving = false;
  #conflict = null;
  #draft;

  constructor({ found, finding, drawing, editor, showHeader, showLog }) {
    this.#found = found;
    this.#finding = finding;
    this.#drawing = drawing;
    // The same numbers mean other classes where these overlap.
    this.#draft = drawing.isOverlapping ? `${found.key} codes` : found.key;
    this.#editor = editor;
    this.#showHeader = showHeader;
    this.#showLog = showLog;
    const ownNumbers = finding ? finding.decisions.map((each) => each.number) : [];
    this.#seen = Math.max(found.last_decision ?? 0, ...ownNumbers);
    onDecisions((last) => this.#heard(last));
  }

  /** Offers a draft that was left behind, and keeps one from now on. */
  async begin() {
    await this.#offerDraft();
    this.#drawing.addEventListener("change", ({ detail }) => this.#changed(detail));
    addEventListener("beforeunload", (event) => {
      if (this.#drawing.isChanged) event.preventDefault();
    });
    at("saving").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    at("filed").addEventListener("click", () => this.#takeFiled());
  }

  /** Words for all who see or hear the page. */
  say(words) {
    at("state").textContent = words;
  }

  async #offerDraft() {
    const draft = await draftOf(this.#draft).catch(() => null);
    if (!draft || draft.labels.length !== this.#drawing.labels.length) return;
    const isOld = draft.seen !== this.#seen;
    const begun = `You began to mend this mask on ${draft.at.toLocaleString()} and did not save it.`;
    const others = isOld ? " Somebody has decided on the case since." : "";
    choice("warn", "A draft", begun + others, {
      "Go on with it": () => this.#drawing.take(draft.labels),
      "Throw it away": () => dropDraft(this.#draft),
    });
  }

  #changed(box) {
    at("save").disabled = this.#isSaving;
    if (box !== null) return; // a stroke that has not ended
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#keepDraft(), DRAFT_MS);
  }

  async #keepDraft() {
    const { isChanged, labels } = this.#drawing;
    this.#offerSaving();
    try {
      if (isChanged) await keepDraft(this.#draft, labels, this.#seen);
      else await dropDraft(this.#draft);
    } catch {
      // A browser that keeps nothing still warns before the page is left.
    }
  }

  async #takeFiled() {
    const { has_labels: hasLabels, links, image } = this.#found;
    const { width, height } = this.#drawing.size;
    const filed = hasLabels ? await readGrey(links.original, image) : new Uint8Array(width * height);
    this.#drawing.take(filed);
    this.say("This is the mask as filed; it counts once it is saved.");
  }

  async #save() {
    if (this.#isSaving || !this.#drawing.isChanged) return;
    this.#isSaving = true;
    at("save").disabled = true;
    this.#editor.settle();
    this.say("Saving …");
    const labels = this.#drawing.labels.slice();
    try {
      const mask_png = await base64(await greyPng(labels, this.#drawing.size));
      // Before it is decided: afterwards the finding is in the queue no more.
      const next = this.#finding ? await nextAddress(this.#finding.id) : null;
      const made = await decide({ ...this.#about(), mask_png, why: at("why").value.trim(), seen: this.#seen });
      if (made) await this.#saved(made, labels, next);
      else this.say("Not saved: nobody said who decides.");
    } catch (error) {
      this.say(`Not saved: ${error.message}`);
      if (error.status === 409) await this.#tellConflict();
      else toast(error.message, { kind: "bad" });
      return;
    } finally {
      this.#isSaving = false;
      this.#offerSaving();
    }
    await this.#heard(this.#newest); // what others decided while this was being saved
  }

  #offerSaving() {
    at("save").disabled = this.#isSaving || !this.#drawing.isChanged;
  }

  /** The finding where there is one that a mask may answer, else the case itself. */
  #about() {
    const isAnswer = this.#finding?.actions.some(({ name }) => name === "replace");
    const about = isAnswer ? { finding: this.#finding.id, samples: [this.#found.id] } : { case: this.#found.key };
    return { ...about, action: "replace" };
  }

  async #saved(made, labels, next) {
    this.#seen = made.number;
    this.#drawing.markSaved(labels);
    this.#conflict?.remove();
    clearTimeout(this.#timer);
    await dropDraft(this.#draft).catch(() => {});
    at("why").value = "";
    this.say(`Saved as decision ${made.number}.`);
    const action = next ? { name: "Next finding", run: () => location.assign(next) } : undefined;
    toast(`Saved as decision ${made.number}.`, { kind: "good", action });
    await this.#refresh();
  }

  async #refresh() {
    this.#found = await caseOf(this.#found.key);
    this.#showHeader(this.#found);
    await this.#showLog();
  }

  async #heard(last) {
    this.#newest = Math.max(this.#newest, last);
    if (last <= this.#seen || this.#isSaving) return;
    const now = await caseOf(this.#found.key);
    if (this.#isSaving || (now.last_decision ?? 0) <= this.#seen) return;
    if (this.#drawing.isChanged) await this.#tellConflict();
    else await this.#loadTheirs();
  }

  async #tellConflict() {
    const theirs = (await decisionsOn(this.#found.key)).filter(({ number }) => number > this.#seen);
    const lines = theirs.map(({ number, who, words, why }) => `${number}: ${who}, ${words}${why ? `, “${why}”` : ""}`);
    this.#conflict?.remove();
    this.#conflict = choice(
      "bad",
      "Somebody decided on this case meanwhile",
      `${lines.join("; ") || "The log has grown."} What you drew is not saved.`,
      {
        "Take theirs, drop mine": () => this.#loadTheirs(),
        "Keep mine, to save it over theirs": () => this.#keepMine(theirs),
      },
    );
  }

  #keepMine(theirs) {
    this.#seen = Math.max(this.#seen, ...theirs.map(({ number }) => number));
    this.say("Your drawing is kept. Saving it now replaces theirs; both stay in the log.");
  }

  async #loadTheirs() {
    await this.#refresh();
    this.#seen = Math.max(this.#seen, this.#found.last_decision ?? 0);
    const { links, image } = this.#found;
    const labels = await readGrey(links.labels, image);
    this.#drawing.take(labels);
    this.#drawing.markSaved(labels);
    await dropDraft(this.#draft).catch(() => {});
    this.#offerSaving();
    const [newest] = await decisionsOn(this.#found.key);
    const words = newest ? `${newest.who} has decided: ${newest.words}. This is the mask now.` : "The mask has changed.";
    this.say(words);
    announce(words);
  }
}
