/** Results and batches of this tab. The server forgets them in time, and this list with it. */

import { API, askJSON } from "../api.js";

const KEY = "delineate.results";
const MOST = 24;

/**
 * @typedef {{id: string, name: string, kind: "result" | "batch", thumbnail?: string | null}} Seen
 */

/** @returns {Seen[]} the newest first */
export function seen() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) ?? [];
  } catch {
    return [];
  }
}

/** Keeps one result, in place of an older note of it. */
export function remember(result) {
  keep([result, ...seen().filter((each) => each.id !== result.id)].slice(0, MOST));
}

export function forgetAll() {
  keep([]);
}

/** @returns {Promise<Seen[]>} those that the server still has; the others are forgotten */
export async function stillThere() {
  const all = seen();
  const checked = await Promise.all(all.map(isThere));
  const gone = new Set(all.filter((_, place) => !checked[place]).map(({ id }) => id));
  const stays = ({ id }) => !gone.has(id);
  keep(seen().filter(stays)); // what has come meanwhile stays, what somebody forgot does not return
  return all.filter(stays);
}

const ADDRESSES = { result: "predictions", batch: "jobs" };

async function isThere({ id, kind }) {
  try {
    await askJSON(`${API}/${ADDRESSES[kind]}/${id}`, { patient: false });
    return true;
  } catch (problem) {
    return problem.status !== 404;
  }
}

function keep(results) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(results));
  } catch {
    // a browser that keeps nothing, or no more: the list is for comfort
  }
}
