/** A message that is shown on the page that one is taken to. */

import { toast } from "../toast.js";
import { undo } from "./desk.js";

const KEY = "delineate.carried";

/** @param {object} decision DecisionDocument that was just taken */
export function carry(decision) {
  const { number, words } = decision;
  sessionStorage.setItem(KEY, JSON.stringify({ number, words }));
}

/** Says what was decided, with a way to take it back. */
export function showCarried() {
  const kept = sessionStorage.getItem(KEY);
  if (!kept) return;
  sessionStorage.removeItem(KEY);
  const decision = JSON.parse(kept);
  toast(`Decision ${decision.number}: ${decision.words}.`, {
    kind: "good",
    action: { name: "Take back", run: () => takeBack(decision) },
  });
}

async function takeBack(decision) {
  try {
    const made = await undo(decision);
    if (made) toast(`Decision ${decision.number} is taken back.`, { kind: "good" });
  } catch (error) {
    toast(error.message, { kind: "bad" });
  }
}
