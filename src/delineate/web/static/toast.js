/** Messages that come and go, and words for screen readers. */

import { at, build } from "./elements.js";

const LASTS_S = { info: 6, good: 6, warn: 12 }; // an error stays until it is closed

/** Says a result to screen readers without showing it. */
export function announce(text) {
  const place = at("announcer");
  place.textContent = "";
  // A live region speaks on a change: the same words twice need a moment of none between them.
  setTimeout(() => (place.textContent = text), 60);
}

/**
 * Shows a message; hovering or focusing it keeps it.
 * @param {string} text
 * @param {{kind?: "info"|"good"|"warn"|"bad", action?: {name: string, run: () => void},
 *          sticky?: boolean}} [options]
 * @returns {{update: (text: string) => void, close: () => void}}
 */
export function toast(text, { kind = "info", action, sticky = kind === "bad" } = {}) {
  const words = build("p", {}, text);
  const role = kind === "bad" ? "alert" : "status";
  const box = build("div", { class: `toast notice ${kind}`, role }, words);
  const close = () => box.remove();
  if (action) {
    const run = () => {
      close();
      action.run();
    };
    box.append(button(action.name, action.name, run));
  }
  box.append(button("×", "Close this message", close));
  at("toasts").append(box);
  if (!sticky) expire(box, LASTS_S[kind] * 1000);
  return { update: (changed) => (words.textContent = changed), close };
}

function button(face, name, run) {
  const attributes = { type: "button", class: "button compact", "aria-label": name };
  const made = build("button", attributes, face);
  made.addEventListener("click", run);
  return made;
}

function expire(box, after_ms) {
  const remove = () => (box.matches(":hover, :focus-within") ? setTimeout(remove, 2000) : box.remove());
  setTimeout(remove, after_ms);
}
