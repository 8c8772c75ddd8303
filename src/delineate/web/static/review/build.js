/** Elements from names, attributes and children. */

/** @param {Record<string, string>} attributes @param {(Node | string)[]} children */
export function build(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A word in a frame. */
export function badge(word, kind = "") {
  return build("span", { class: `badge ${kind}` }, word);
}

/** A point in time as this browser writes it. */
export function when(iso) {
  const time = build("time", { datetime: iso });
  time.textContent = new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  return time;
}
