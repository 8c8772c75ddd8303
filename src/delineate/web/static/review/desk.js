/** Decisions: taking them, taking them back, and hearing of those of others. */

import { API, askJSON, listen } from "../api.js";
import { whoDecides } from "./who.js";

/**
 * Adds one decision to the log.
 *
 * @param request a DecisionRequest without its `who`
 * @returns its DecisionDocument; null where nobody wants to say who decides
 * @throws {ProblemError} with the status 409 where somebody has decided meanwhile
 */
export async function decide(request) {
  const who = await whoDecides();
  if (who === null) return null;
  return askJSON(`${API}/decisions`, { method: "POST", json: { ...request, who } });
}

export async function undo(decision, why = "") {
  return decide({ action: "undo", undoes: decision.number, why });
}

/** Calls `handle` with the number of the newest decision whenever the log has grown. */
export function onDecisions(handle) {
  let known = null;
  return listen(`${API}/decisions/events`, {
    decision: ({ last }) => {
      if (last === known) return;
      known = last;
      handle(last);
    },
  });
}

/** The decisions that speak of a case, the newest first. */
export async function decisionsOn(key) {
  const { decisions } = await askJSON(`${API}/decisions?count=100&case=${encodeURIComponent(key)}`);
  return decisions;
}

export const caseOf = (key) => askJSON(`${API}/cases/${encodeURIComponent(key)}`);
export const findingOf = (id) => askJSON(`${API}/findings/${encodeURIComponent(id)}`);
