/** Elements of a page: found by their id, or built. */

import { moment } from "./words.js";

export const at = (id) => document.getElementById(id);

/**
 * An element with text or children, and no markup that the text could carry in.
 * @param {string} name
 * @param {Record<string, string>} attributes
 * @param {(Node | string)[]} children
 */
export function build(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

const madeFrom = new WeakMap();

/**
 * Replaces what a list holds, unless it was made from the same values before: a click or a focus
 * that has begun is not lost then.
 * @param {HTMLElement} list
 * @param {unknown} values as JSON would have them
 * @param {() => Node[]} make the new children
 * @returns {boolean} whether it was replaced
 */
export function refill(list, values, make) {
  const wanted = JSON.stringify(values);
  if (madeFrom.get(list) === wanted) return false;
  madeFrom.set(list, wanted);
  list.replaceChildren(...make());
  return true;
}

/** A word in a frame. */
export function badge(word, kind = "") {
  return build("span", { class: `badge ${kind}` }, word);
}

/** A point in time as this browser writes it. */
export function when(iso) {
  return build("time", { datetime: iso }, moment(iso));
}
