/** The page of one finding: what was found, its samples side by side, and what may be decided. */

import { at, badge, build } from "../elements.js";
import { announce, toast } from "../toast.js";
import { Actions } from "./actions.js";
import { showCarried } from "./carried.js";
import { showDecisions } from "./decision_list.js";
import { findingOf, onDecisions } from "./desk.js";
import { showDifferences } from "./differences.js";
import { addressOf, filtersOf, openFindings } from "./next_finding.js";
import { notice } from "./notices.js";
import { Samples } from "./samples.js";
import { showWho } from "./who.js";

const root = at("finding");

function showText(finding) {
  document.title = `${finding.title} · Delineate`;
  at("kind").textContent = `finding ${finding.id}`;
  at("title").textContent = finding.title;
  at("text").textContent = `${finding.text}.`.replace("..", ".");
  at("suggestion").textContent = `${finding.meaning} Suggested: ${finding.suggestion}.`;
  const isDecided = finding.decisions.some((each) => each.finding === finding.id && each.state === "in force");
  at("badges").replaceChildren(
    badge(finding.severity, { error: "bad", warning: "warn" }[finding.severity]),
    badge(isDecided ? "decided" : "open", isDecided ? "good" : "accent"),
    ...(finding.about ? [badge(finding.about)] : []),
  );
  const rows = Object.entries(finding.evidence).map(([name, value]) => {
    const words = typeof value === "object" ? JSON.stringify(value) : String(value);
    return build("div", {}, build("dt", {}, name.replaceAll("_", " ")), build("dd", {}, words));
  });
  at("evidence").replaceChildren(...rows);
  at("known").hidden = rows.length === 0;
}

function showLog(finding) {
  at("log").hidden = finding.decisions.length === 0;
  showDecisions(at("decisions"), [...finding.decisions].reverse());
}

async function showPlace(id) {
  const query = filtersOf().toString();
  at("queue").href = `/review${query ? `?${query}` : ""}`;
  const ids = await openFindings();
  const place = ids.indexOf(id);
  const others = ids.filter((each) => each !== id).length;
  at("rest").textContent = others ? `${others} more open` : "no other is open";
  const link = (name, to) => {
    at(name).hidden = !to;
    if (to) at(name).href = addressOf(to);
  };
  link("previous", place > 0 ? ids[place - 1] : null);
  link("next", place < 0 ? ids.find((each) => each !== id) : ids[place + 1]);
}

async function open() {
  const finding = await findingOf(root.dataset.id);
  showText(finding);
  showLog(finding);
  showWho(at("who"));
  at("bench").hidden = false;
  const samples = new Samples(finding);
  const actions = new Actions(finding, samples);
  await Promise.all([samples.open(), showDifferences(finding), showPlace(finding.id)]);
  listenToOthers(finding, { samples, actions });
  bindKeys();
  root.dataset.ready = "";
}

/** Whatever anybody decides on it is shown at once. */
function listenToOthers(finding, { samples, actions }) {
  let known = Math.max(0, ...finding.decisions.map(({ number }) => number));
  onDecisions(async () => {
    const now = await findingOf(finding.id);
    const fresh = now.decisions.filter(({ number }) => number > known);
    if (!fresh.length || actions.isBusy) return;
    known = Math.max(...fresh.map(({ number }) => number));
    actions.see(now);
    showText(now);
    showLog(now);
    await Promise.all([samples.refresh(now), showDifferences(now)]);
    for (const { who, words, number } of fresh) announce(`${who} has decided: ${words} (${number}).`);
    toast(fresh.map(({ who, words }) => `${who} has decided: ${words}.`).join(" "));
  });
}

function bindKeys() {
  document.addEventListener("keydown", (event) => {
    const isText = event.target.matches("textarea, input:not([type=radio], [type=checkbox])");
    if (isText || event.ctrlKey || event.metaKey || event.altKey) return;
    const link = { j: at("next"), k: at("previous") }[event.key.toLowerCase()];
    if (link && !link.hidden) link.click();
  });
}

showCarried();
open().catch((error) => {
  notice("bad", "This finding cannot be shown", error.message);
  if (error.name !== "ProblemError") throw error;
});
