/** Notices at the head of a page. */

import { at, build } from "../elements.js";

/** Shows a notice of a kind (`good`, `warn`, `bad`, or none). */
export function notice(kind, heading, ...words) {
  const box = build("div", { class: `notice ${kind}` }, build("h2", {}, heading), build("p", {}, ...words));
  at("notices").append(box);
  return box;
}

/** The same in one paragraph, where room is short. */
export function brief(kind, heading, ...words) {
  at("notices").append(build("p", { class: `notice brief ${kind}` }, build("strong", {}, `${heading}.`), " ", ...words));
}

/** One line that unfolds to an item each. */
export function folded(heading, items) {
  const list = build("ul", {}, ...items.map((words) => build("li", {}, ...words)));
  at("notices").append(build("details", { class: "notice brief" }, build("summary", {}, heading), list));
}

/** A notice that offers ways on; taking one closes it. */
export function choice(kind, heading, words, ways) {
  const box = notice(kind, heading, words);
  box.setAttribute("role", "alert");
  const row = build("div", { class: "row" });
  for (const [name, go] of Object.entries(ways)) {
    const button = build("button", { type: "button", class: "button compact" }, name);
    button.addEventListener("click", () => {
      box.remove();
      go();
    });
    row.append(button);
  }
  box.append(row);
  return box;
}
