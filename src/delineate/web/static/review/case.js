/** The page of one case: its picture, its mask, and the tools to mend it. */

import { ProblemError } from "../api.js";
import { at, badge, build } from "../elements.js";
import { readGrey } from "../viewer/reading.js";
import { Viewer } from "../viewer/viewer.js";
import { Controls } from "./controls.js";
import { showDecisions } from "./decision_list.js";
import { caseOf, decisionsOn, findingOf } from "./desk.js";
import { Drawing } from "./drawing.js";
import { Editor } from "./editor.js";
import { bindLook } from "./look.js";
import { brief, folded, notice } from "./notices.js";
import { Observers } from "./observers.js";
import { Proposal } from "./proposal.js";
import { Saving } from "./saving.js";
import { greysOf } from "./shades.js";
import { showWho } from "./who.js";

const root = at("case");
const stage = at("stage");
const MOST_FINDINGS = 4;
const { key } = root.dataset;
const findingId = new URLSearchParams(location.search).get("finding");

/** H * W labels as decided; background where there is no mask. */
async function labelsOf(found) {
  const { width_px, height_px } = found.image;
  if (!found.has_labels) return new Uint8Array(width_px * height_px);
  return readGrey(found.links.labels, found.image);
}

function showHeader(found) {
  document.title = `${found.id} · Delineate`;
  at("name").textContent = found.id;
  const badges = [];
  if (found.split) badges.push(badge(found.split, found.split === "test" ? "warn" : ""));
  if (found.subject) badges.push(badge(`subject ${found.subject}`));
  if (!found.has_labels) badges.push(badge("no mask"));
  if (found.is_mended) badges.push(badge("mended", "accent"));
  if (found.is_dropped) badges.push(badge("dropped", "bad"));
  at("badges").replaceChildren(...badges);
}

function showNotices(found, finding) {
  if (found.warning) brief("warn", "Before you change it", found.warning);
  if (finding) brief("", finding.title, ...wordsOf(finding, location.search));
  if (found.problem) notice("bad", "The image cannot be shown", found.problem);
  if (found.is_dropped) brief("bad", "Left out", "A decision drops this case from training and scoring.");
}

function wordsOf({ id, text }, query = "") {
  return [`${text}. `.replace("..", "."), build("a", { href: `/review/finding/${id}${query}` }, "To the finding")];
}

/** What else was found about the case, but for that somebody has opened it. */
async function showFindings({ findings }) {
  const ids = findings.filter((each) => each !== findingId).slice(0, MOST_FINDINGS);
  const others = (await Promise.all(ids.map(findingOf))).filter(({ queue }) => queue !== "asked");
  if (!others.length) return;
  const items = others.map((each) => [build("strong", {}, `${each.title}.`), " ", ...wordsOf(each)]);
  folded(`${findingId ? "Also found" : "Found"} about it: ${others.map(({ title }) => title).join("; ")}`, items);
}

async function open() {
  const [found, finding] = await Promise.all([caseOf(key), findingId ? findingOf(findingId) : null]);
  showHeader(found);
  showNotices(found, finding);
  await showFindings(found);
  showWho(at("who"));
  if (!found.image) return;
  at("bench").hidden = false;
  const viewer = new Viewer(stage);
  await viewer.setShades(found.image, found.links.shades);
  const labels = await labelsOf(found);
  const size = { width: found.image.width_px, height: found.image.height_px };
  const isOverlapping = found.is_overlapping;
  const drawing = new Drawing(labels, size, { isOverlapping });
  viewer.setLabels(drawing.labels, found.classes, { isOverlapping });
  bindLook(viewer);
  const editor = edit(viewer, drawing, found);
  const proposal = new Proposal({ viewer, drawing, found });
  const saving = new Saving({ found, finding, drawing, editor, showHeader, showLog });
  await showLog();
  new Controls({ viewer, drawing, editor, found, saving, proposal });
  await saving.begin();
  await new Observers({ viewer, drawing, found }).show();
  root.dataset.ready = "";
}

function edit(viewer, drawing, found) {
  const tell = (words) => {
    at("state").textContent = words;
  };
  const settings = {
    diameter_px: 12,
    fills: "contour",
    tolerance_percent: 6,
    scale: () => viewer.scale,
    greys: greysOf(viewer, found.image),
  };
  drawing.addEventListener("change", ({ detail: box }) => {
    if (!box) return;
    viewer.redraw([box.top, box.left, box.bottom - box.top, box.right - box.left]);
  });
  return new Editor(viewer, stage, drawing, { settings, tell });
}

async function showLog() {
  const decisions = await decisionsOn(key);
  at("log").hidden = decisions.length === 0;
  showDecisions(at("decisions"), decisions);
}

open().catch((error) => {
  notice("bad", "This case cannot be shown", error.message);
  if (!(error instanceof ProblemError)) throw error;
});
