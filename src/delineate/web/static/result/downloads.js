/** Everything that `delineate predict` writes, at the threshold in use. */

import { at, build } from "../elements.js";
import { number4 } from "../words.js";

const FORMS = {
  mask: ["Mask", "PNG of class indices"],
  overlay: ["Overlay", "PNG, to look at"],
  probability: ["Probability", "16-bit PNG"],
  heat_map: ["Where the gate looked", "PNG"],
  "rle-nerve": ["Run lengths, nerve challenge", "CSV"],
  "rle-siim": ["Run lengths, SIIM-ACR", "CSV"],
  coco: ["COCO, run lengths", "JSON"],
  "coco-polygons": ["COCO, polygons", "JSON"],
  measurements: ["Measurements", "CSV"],
  json: ["Thresholds and areas", "JSON"],
  all: ["All of these", "ZIP"],
};

export function showDownloads(result) {
  const links = new Map();
  for (const [form, address] of Object.entries(result.own.links.files)) {
    const [name, kind] = FORMS[form] ?? [form, ""];
    const link = build("a", { download: "" }, build("b", {}, name), build("span", {}, kind));
    links.set(link, address);
  }
  at("files").replaceChildren(...[...links.keys()].map((link) => build("li", {}, link)));
  const update = () => {
    for (const [link, address] of links) link.href = address + result.query;
    at("files-words").textContent = words(result);
  };
  result.addEventListener("threshold", update);
  result.addEventListener("gate", update);
  update();
}

function words({ canCut, thresholds }) {
  const what = "What delineate predict writes";
  if (!canCut) return `${what}.`;
  return `${what}, at ${[...new Set(thresholds)].map(number4).join(", ")}.`;
}
