/** All cases: searched, filtered, and opened. */

import { API, askJSON } from "../api.js";
import { at, badge, build, refill } from "../elements.js";
import { counted } from "../words.js";
import { onDecisions } from "./desk.js";
import { notice } from "./notices.js";

const PART = 60;
const TYPING_MS = 250;
const FILTERS = ["search", "split", "state"];
let count = PART;
let timer = 0;
let newest = 0;

function query() {
  const given = FILTERS.map((name) => [name, at(name).value.trim()]);
  return new URLSearchParams(given.filter(([name, value]) => value && value !== "all"));
}

async function load() {
  newest += 1;
  const own = newest;
  const wanted = query();
  history.replaceState(null, "", `/cases${wanted.size ? `?${wanted}` : ""}`);
  const found = await askJSON(`${API}/cases?${new URLSearchParams([...wanted, ["count", String(count)]])}`);
  if (own !== newest) return; // a later search has overtaken it
  const { total } = found.page;
  at("counts").textContent = counted(total, "case");
  refill(at("list"), found.cases, () => found.cases.map(cardOf));
  at("nothing").hidden = total > 0;
  at("more").hidden = found.page.next === null || count >= 500;
  if (found.page.next !== null && count >= 500) at("counts").textContent += "; the first 500 are shown, search to see others";
}

function cardOf(each) {
  const picture = build("img", { src: each.links.thumbnail, alt: "", loading: "lazy" });
  picture.addEventListener("error", () => picture.replaceWith(build("span", { class: "no-picture" }, "cannot be shown")));
  const marks = [];
  if (each.split) marks.push(badge(each.split, each.split === "test" ? "warn" : ""));
  if (!each.has_labels) marks.push(badge("no mask"));
  if (each.is_mended) marks.push(badge("mended", "accent"));
  if (each.is_dropped) marks.push(badge("dropped", "bad"));
  if (each.findings.length) marks.push(badge(`${each.findings.length} found`));
  const name = build("span", { class: "case-name" }, each.id);
  return build("li", {}, build("a", { href: `/review/case/${each.key}` }, picture, name, build("span", { class: "row tight" }, ...marks)));
}

const later = () => {
  clearTimeout(timer);
  count = PART;
  timer = setTimeout(() => load().catch(refused), TYPING_MS);
};

function refused(error) {
  notice("", "No cases to show", error.message);
  at("filters").hidden = true;
  if (error.name !== "ProblemError") throw error;
}

async function open() {
  const given = new URLSearchParams(location.search);
  for (const name of FILTERS) if (given.get(name)) at(name).value = given.get(name);
  await load();
  at("filters").addEventListener("input", later);
  at("filters").addEventListener("submit", (event) => event.preventDefault());
  at("more").addEventListener("click", () => {
    count = Math.min(500, count + 2 * PART);
    load().catch(refused);
  });
  onDecisions(() => load().catch(refused));
}

open().catch(refused);
