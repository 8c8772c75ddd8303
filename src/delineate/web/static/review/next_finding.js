/** Which finding comes next, in the queue that the address names (`queue`, `kind`). */

import { API, askJSON } from "../api.js";

const FILTERS = ["queue", "kind"];

/** The part of an address that says which queue one is working through. */
export function filtersOf(search = location.search) {
  const given = new URLSearchParams(search);
  const kept = new URLSearchParams();
  for (const name of FILTERS) {
    if (given.get(name)) kept.set(name, given.get(name));
  }
  return kept;
}

/** The open findings of the queue in their order. */
export async function openFindings() {
  const found = [];
  const query = new URLSearchParams([...filtersOf(), ["state", "open"], ["count", "500"]]);
  let address = `${API}/findings?${query}`;
  while (address) {
    const part = await askJSON(address);
    found.push(...part.findings.map(({ id }) => id));
    address = part.page.next;
  }
  return found;
}

/** The finding after one, or the first; null where no other is open. */
function nextOf(ids, id) {
  const others = ids.filter((each) => each !== id);
  if (!others.length) return null;
  const place = ids.indexOf(id);
  return place < 0 || place === ids.length - 1 ? others[0] : ids[place + 1];
}

export function addressOf(id) {
  const filters = filtersOf().toString();
  return `/review/finding/${id}${filters ? `?${filters}` : ""}`;
}

/** Where the next finding is shown; null where none is open. */
export async function nextAddress(id) {
  const next = nextOf(await openFindings(), id);
  return next && addressOf(next);
}
