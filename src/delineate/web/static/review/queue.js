/** The queue: what waits for a decision, live, and worked through by keyboard. */

import { API, askJSON } from "../api.js";
import { at, badge, build, refill } from "../elements.js";
import { announce } from "../toast.js";
import { showCarried } from "./carried.js";
import { onDecisions } from "./desk.js";
import { bindMaking } from "./making.js";
import { addressOf } from "./next_finding.js";
import { notice } from "./notices.js";
import { showWho } from "./who.js";

const QUEUES = [
  ["", "All"],
  ["audit", "From the audit"],
  ["model", "Model against label"],
  ["uncertain", "Model unsure"],
  ["asked", "Opened by people"],
];
const PART = 50;
let shown = [];
let newest = 0;

/** What the address asks for: it can be kept, sent to others and gone back to. */
function asked() {
  const given = new URLSearchParams(location.search);
  return {
    queue: given.get("queue") ?? "",
    kind: given.get("kind") ?? "",
    state: given.get("state") ?? "open",
  };
}

function go(changes) {
  const wanted = Object.entries({ ...asked(), ...changes }).filter(([, value]) => value);
  history.pushState(null, "", `/review?${new URLSearchParams(wanted)}`);
  return load(PART);
}

function addressOfList(count) {
  const query = Object.entries({ ...asked(), count }).filter(([, value]) => value);
  return `${API}/findings?${new URLSearchParams(query)}`;
}

async function load(count) {
  newest += 1;
  const own = newest;
  const found = await askJSON(addressOfList(Math.min(500, count)));
  if (own !== newest) return found; // a later question has overtaken it
  shown = found.findings;
  render(found);
  return found;
}

async function showMore(address) {
  const found = await askJSON(address);
  const place = shown.length;
  shown = [...shown, ...found.findings];
  render(found);
  at("findings").querySelectorAll("a")[place]?.focus();
}

function render(found) {
  const focused = document.activeElement?.dataset?.id;
  if (!refill(at("findings"), [asked(), found, shown], () => shown.flatMap(rowsOf))) return;
  at("desk").hidden = false;
  at("counts").textContent = `${found.open} open, ${found.decided} decided`;
  renderFilters(found.kinds);
  if (focused) at("findings").querySelector(`[data-id="${focused}"]`)?.focus();
  at("part").textContent = shown.length < found.page.total ? `${shown.length} of ${found.page.total}` : "";
  at("more").hidden = found.page.next === null;
  at("more").onclick = () => showMore(found.page.next);
  at("nothing").hidden = shown.length > 0;
  const isDone = asked().state === "open" && found.decided > 0;
  at("nothing").replaceChildren(
    build("p", {}, isDone ? "Nothing is left to decide here." : "Nothing was found here."),
    build("p", {}, "Open any of the ", build("a", { href: "/cases" }, "cases"), " to look at its mask."),
  );
}

function renderFilters(kinds) {
  const { queue, kind, state } = asked();
  at("queues").replaceChildren(
    ...QUEUES.map(([name, words]) => {
      const query = new URLSearchParams([...(name ? [["queue", name]] : []), ["state", state]]);
      const link = build("a", { href: `/review?${query}` }, words);
      if (name === queue) link.setAttribute("aria-current", "page");
      link.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        go({ queue: name, kind: "" });
      });
      return link;
    }),
  );
  at("states").querySelector(`[value="${state}"]`).checked = true;
  const options = Object.entries(kinds).map(([name, count]) => {
    return build("option", { value: name }, `${name.replaceAll("_", " ")} (${count})`);
  });
  at("kinds").replaceChildren(build("option", { value: "" }, "any"), ...options);
  at("kinds").value = kind;
}

/** A finding, under a heading where its kind is another than that before. */
function rowsOf(finding, place) {
  const isNew = place === 0 || shown[place - 1].kind !== finding.kind;
  const heading = build("li", { class: "kind-heading" }, build("h2", {}, finding.title), build("p", { class: "hint" }, finding.meaning));
  const thumbs = Object.entries(finding.pictures)
    .filter(([name]) => name.startsWith("thumbnail"))
    .slice(0, 2)
    .map(([, address]) => build("img", { src: address, alt: "", class: "thumb", loading: "lazy" }));
  const state = finding.decisions.filter((each) => each.finding === finding.id && each.state === "in force");
  const words = build(
    "span",
    { class: "finding-words" },
    build("span", { class: "finding-text" }, finding.text),
    build("span", { class: "small quiet" }, samplesOf(finding)),
    ...state.map((each) => build("span", { class: "small" }, `Decided by ${each.who}: ${each.words}`)),
  );
  const severity = badge(finding.severity, { error: "bad", warning: "warn" }[finding.severity]);
  const marks = build("span", { class: "row" }, severity, ...(state.length ? [badge("decided", "good")] : []));
  const link = build("a", { href: addressOf(finding.id), class: "finding-row" }, build("span", { class: "thumbs" }, ...thumbs), words, marks);
  link.dataset.id = finding.id;
  const row = build("li", {}, link);
  return isNew ? [heading, row] : [row];
}

function samplesOf({ samples }) {
  if (samples.length <= 3) return samples.join(", ");
  return `${samples.slice(0, 2).join(", ")} and ${samples.length - 2} more`;
}

/** J and K move along the rows, whichever has the focus. */
function bindKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input[type=search], textarea, select") || event.ctrlKey || event.metaKey) return;
    const step = { j: 1, k: -1 }[event.key.toLowerCase()];
    if (!step) return;
    const rows = [...at("findings").querySelectorAll("a")];
    const here = rows.indexOf(document.activeElement);
    const next = here < 0 ? (step > 0 ? 0 : rows.length - 1) : here + step;
    rows[Math.min(rows.length - 1, Math.max(0, next))]?.focus();
    event.preventDefault();
  });
}

/** The list follows what anybody decides. */
function listenToOthers() {
  onDecisions(async () => {
    const before = at("counts").textContent;
    const found = await load(Math.max(PART, shown.length));
    if (at("counts").textContent !== before) announce(`${found.open} open, ${found.decided} decided.`);
  });
}

async function open() {
  showCarried();
  showWho(at("who"));
  await load(PART);
  at("states").addEventListener("change", ({ target }) => go({ state: target.value }));
  at("kinds").addEventListener("change", ({ target }) => go({ kind: target.value }));
  addEventListener("popstate", () => load(PART));
  bindKeys();
  bindMaking(() => load(Math.max(PART, shown.length)));
  listenToOthers();
}

open().catch((error) => {
  notice("", "Nothing to review here", error.message);
  if (error.name !== "ProblemError") throw error;
});
