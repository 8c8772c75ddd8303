/** Who decides: asked once, kept in this browser, shown wherever something is decided. */

import { build } from "../elements.js";

const KEY = "delineate.who";

export function who() {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return ""; // a browser that keeps nothing
  }
}

/** The name of who decides, asked for where none is kept; null when that is given up. */
export async function whoDecides() {
  return who() || askWho();
}

/** Shows in an element who decides, with a way to change it. */
export function showWho(place) {
  const show = () => {
    const name = who();
    const change = build("button", { class: "button plain compact", type: "button" }, name ? "Change" : "Say who you are");
    change.addEventListener("click", askWho);
    place.replaceChildren(...(name ? ["Deciding as ", build("strong", {}, name), " "] : []), change);
  };
  show();
  addEventListener("storage", (event) => event.key === KEY && show());
  addEventListener("delineate-who", show);
}

function askWho() {
  const name = build("input", { name: "who", required: "", maxlength: "200", autocomplete: "name" });
  name.value = who();
  // No submit button: Enter in the field would press the first of these.
  const cancel = build("button", { class: "button", type: "button" }, "Cancel");
  const form = build(
    "form",
    { method: "dialog" },
    build("h2", {}, "Who decides?"),
    build("label", { class: "field" }, build("span", {}, "Your name, as the log shall have it"), name),
    build("p", { class: "hint" }, "It stands beside each of your decisions, and is kept in this browser."),
    build(
      "div",
      { class: "actions" },
      cancel,
      build("button", { class: "button primary", value: "kept" }, "That is me"),
    ),
  );
  const dialog = build("dialog", { "aria-label": "Who decides?" }, form);
  cancel.addEventListener("click", () => dialog.close(""));
  document.body.append(dialog);
  dialog.showModal();
  name.select();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      const given = dialog.returnValue === "kept" ? name.value.trim() : "";
      if (given) keep(given);
      resolve(given || null);
    });
  });
}

function keep(name) {
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // asked again for the next decision
  }
  dispatchEvent(new CustomEvent("delineate-who"));
}
