/** The log of decisions, the newest first, as it grows. */

import { API, askJSON } from "../api.js";
import { at, build, refill, when } from "../elements.js";
import { isHolding, undoButton } from "./decision_list.js";
import { onDecisions } from "./desk.js";
import { notice } from "./notices.js";
import { showWho } from "./who.js";

const PART = 100;
let count = PART;

async function load() {
  const decisions = [];
  let address = `${API}/decisions?count=${Math.min(500, count)}`;
  let total = 0;
  while (address && decisions.length < count) {
    const part = await askJSON(address);
    decisions.push(...part.decisions);
    total = part.page.total;
    address = part.page.next;
  }
  refill(at("rows"), decisions, () => decisions.map(rowOf));
  at("table").hidden = total === 0;
  at("nothing").hidden = total > 0;
  at("more").hidden = decisions.length >= total;
}

function rowOf(decision) {
  const finding = build("a", { href: `/review/finding/${decision.finding}` }, decision.words);
  const cases = decision.cases.slice(0, 3).map((key, place) => {
    return build("a", { href: `/review/case/${key}`, class: "small" }, decision.samples[place] ?? key);
  });
  const links = cases.flatMap((link, place) => (place ? [", ", link] : [link]));
  const row = build(
    "tr",
    isHolding(decision) ? {} : { class: "quiet" },
    build("td", { class: "number" }, String(decision.number)),
    build("td", {}, finding, build("br"), ...links),
    build("td", {}, decision.why),
    build("td", {}, decision.who),
    build("td", { class: "nowrap" }, when(decision.at)),
    build("td", {}, decision.state),
    build("td", {}, ...undoButton(decision)),
  );
  row.dataset.number = decision.number;
  return row;
}

function refused(error) {
  notice("", "No history to show", error.message);
  if (error.name !== "ProblemError") throw error;
}

async function open() {
  await load();
  showWho(at("who"));
  at("more").addEventListener("click", () => {
    count += 4 * PART;
    load().catch(refused);
  });
  onDecisions(() => load().catch(refused));
}

open().catch(refused);
