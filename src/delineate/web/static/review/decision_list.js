/** Rows of the log, with a way to take back those that hold. */

import { build, when } from "../elements.js";
import { toast } from "../toast.js";
import { undo } from "./desk.js";

/** @param {HTMLElement} list @param {object[]} decisions DecisionDocuments, the newest first */
export function showDecisions(list, decisions) {
  list.replaceChildren(...decisions.map((each) => build("li", { class: "decision" }, ...rowOf(each))));
}

/** Whether it has not been taken back or replaced. */
export const isHolding = ({ state }) => state === "in force" || state === "undo";

/** Number, words, reason, who and when, state, and the button. */
export function rowOf(decision) {
  const words = build("p", {}, build("strong", {}, `${decision.number} · ${decision.words}`));
  const by = build("p", { class: "small quiet" }, `${decision.who}, `, when(decision.at), ` · ${decision.state}`);
  const why = decision.why ? [build("p", { class: "small" }, `“${decision.why}”`)] : [];
  return [build("div", { class: isHolding(decision) ? "" : "quiet" }, words, ...why, by), ...undoButton(decision)];
}

export function undoButton(decision) {
  if (!isHolding(decision)) return [];
  const button = build(
    "button",
    { type: "button", class: "button compact", "aria-label": `Take back decision ${decision.number}` },
    "Take back",
  );
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const made = await undo(decision);
      if (made) toast(`Decision ${decision.number} is taken back, as number ${made.number}.`, { kind: "good" });
    } catch (error) {
      toast(error.message, { kind: "bad" });
    } finally {
      button.disabled = false;
    }
  });
  return [button];
}
