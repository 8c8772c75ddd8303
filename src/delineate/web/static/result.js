/** One image, and what the model says of it. */

import { at } from "./elements.js";
import { showAbout } from "./result/about.js";
import { showDownloads } from "./result/downloads.js";
import { showFound, summary } from "./result/found.js";
import { GatePanel } from "./result/gate.js";
import { bindKeys } from "./result/keys.js";
import { Labels } from "./result/labels.js";
import { LookPanel } from "./result/look.js";
import { Objects } from "./result/objects.js";
import { bindReadout } from "./result/readout.js";
import { Result } from "./result/state.js";
import { ThresholdPanel } from "./result/threshold.js";
import { WindowPanel } from "./result/window.js";
import { Viewer } from "./viewer/viewer.js";

const page = at("result");
const host = at("viewer");
export const result = new Result(page.dataset.id);
export const viewer = new Viewer(host);
const labels = new Labels(result, viewer, showProblem);

function showProblem(error) {
  at("problem").textContent = error.message;
  at("problem").hidden = false;
  if (result.own === null) at("name").textContent = "No result";
}

async function show() {
  await result.load();
  const { image, links } = result.own;
  at("name").textContent = image.name;
  document.title = `${image.name}: ${summary(result.document)} · Delineate`;
  host.setAttribute("aria-label", `${image.name} with what was found in it`);
  at("bench").hidden = false;
  await viewer.setShades(image, links.shades);
  showAbout(result);
  showFound(result, viewer);
  new GatePanel(result, () => look.show("gate"));
  const threshold = new ThresholdPanel(result);
  const look = new LookPanel(result, viewer, labels, showProblem);
  new WindowPanel(result, viewer);
  showDownloads(result);
  const objects = new Objects(result, viewer);
  bindKeys(host, { look, threshold, objects });
  bindReadout(host, result, viewer);
  result.addEventListener("problem", ({ detail }) => showProblem(detail));
  result.addEventListener("document", () => (at("problem").hidden = true));
  await labels.load();
}

at("zoom-in").addEventListener("click", () => viewer.zoomBy(1.5));
at("zoom-out").addEventListener("click", () => viewer.zoomBy(1 / 1.5));
at("fit").addEventListener("click", () => viewer.fit());
at("one-to-one").addEventListener("click", () => viewer.zoomBy(1 / viewer.scale));
try {
  await show();
} catch (error) {
  showProblem(error);
} finally {
  page.setAttribute("aria-busy", "false");
}
