/** Labels that somebody has begun to mend, kept in this browser until they are saved. */

import { packed, unpacked } from "./runs.js";

const STORE = "drafts";

/**
 * Keeps the draft of a case.
 *
 * @param {Uint8Array} labels
 * @param {number | null} seen the number of the decision that it was drawn upon
 */
export async function keepDraft(key, labels, seen) {
  await within("readwrite", (store) => store.put({ ...packed(labels), seen, at: Date.now() }, key));
}

/** @returns {Promise<{labels: Uint8Array, seen: number | null, at: Date} | null>} */
export async function draftOf(key) {
  const kept = await within("readonly", (store) => store.get(key));
  if (!kept) return null;
  return { labels: unpacked(kept), seen: kept.seen, at: new Date(kept.at) };
}

export async function dropDraft(key) {
  await within("readwrite", (store) => store.delete(key));
}

async function within(mode, act) {
  const base = await opened();
  try {
    return await settled(act(base.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    base.close();
  }
}

function opened() {
  const request = indexedDB.open("delineate", 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return settled(request);
}

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
