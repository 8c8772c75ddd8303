/** Results of this tab. The server forgets results in time, and this list with them. */

import { API, askJSON } from "../api.js";

const KEY = "delineate.results";
const MOST = 24;

/** @typedef {{id: string, name: string, thumbnail: string | null}} Seen */

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
  const checked = await Promise.all(all.map((each) => isThere(each.id)));
  const there = all.filter((_, place) => checked[place]);
  keep(there);
  return there;
}

async function isThere(id) {
  try {
    await askJSON(`${API}/predictions/${id}`, { patient: false });
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
