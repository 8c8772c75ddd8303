/** The samples of a finding side by side, each in a viewer; they zoom and move together. */

import { askJSON } from "../api.js";
import { at, badge, build } from "../elements.js";
import { between, ofPlaces, SAME } from "../viewer/affine.js";
import { readGrey } from "../viewer/reading.js";
import { Viewer } from "../viewer/viewer.js";
import { caseOf } from "./desk.js";
import { toggleMask } from "./look.js";
import { outlineLayer } from "./outline.js";

const MOST = 4;

export class Samples {
  #finding;
  #shown = [];

  constructor(finding) {
    this.#finding = finding;
  }

  /** Letters stand for samples where these have long names. */
  static letter(place) {
    return String.fromCharCode("A".charCodeAt(0) + place);
  }

  async open() {
    const there = this.#finding.cases
      .map((key, place) => ({ key, place, id: this.#finding.samples[place] }))
      .filter(({ key }) => key !== null);
    const parts = there.slice(0, MOST);
    at("samples").dataset.count = parts.length;
    at("looks").hidden = parts.length === 0;
    this.#sayMore(there.length);
    this.#shown = await Promise.all(parts.map((part) => this.#show(part)));
    this.#bind();
  }

  /** Labels as they are decided now. */
  async refresh(finding) {
    this.#finding = finding;
    await Promise.all(
      this.#shown.map(async (each) => {
        each.found = await caseOf(each.found.key);
        this.#head(each);
        if (each.viewer) await this.#label(each);
      }),
    );
  }

  #sayMore(count) {
    const { samples } = this.#finding;
    const missing = samples.length - count;
    const words = [];
    if (count > MOST) words.push(`${count - MOST} more: ${some(samples.slice(MOST))}.`);
    if (missing) words.push(`${missing} of ${samples.length} samples are not in the data any more.`);
    at("more").textContent = words.join(" ");
    at("more").hidden = words.length === 0;
  }

  async #show({ key, place, id }) {
    const header = build("figcaption", { class: "row apart" });
    const stage = build("div", { class: "sample-stage", tabindex: "0", role: "img" });
    stage.setAttribute("aria-label", `${id} with its mask; plus and minus zoom, arrows move`);
    at("samples").append(build("figure", { class: "sample" }, header, stage));
    const each = { found: await caseOf(key), place, header, stage, viewer: null };
    this.#head(each);
    const { image, links, problem } = each.found;
    if (image) {
      stage.style.aspectRatio = `${image.width_px} / ${image.height_px}`;
      each.viewer = new Viewer(stage);
      await each.viewer.setShades(image, links.shades);
      await this.#label(each);
    } else {
      stage.replaceWith(build("p", { class: "notice bad" }, problem ?? "The image cannot be shown."));
    }
    return each;
  }

  #head({ found, place, header }) {
    const letter = this.#finding.samples.length > 1 ? `${Samples.letter(place)} · ` : "";
    const words = build("span", {}, build("strong", {}, letter + found.id), " ");
    if (found.split) words.append(badge(found.split, found.split === "test" ? "warn" : ""), " ");
    if (!found.has_labels) words.append(badge("no mask"), " ");
    if (found.is_mended) words.append(badge("mended", "accent"), " ");
    if (found.is_dropped) words.append(badge("dropped", "bad"));
    const query = new URLSearchParams(location.search);
    query.set("finding", this.#finding.id);
    const link = build("a", { class: "button compact", href: `/review/case/${found.key}?${query}` }, "Mend");
    link.setAttribute("aria-label", `Mend the mask of ${found.id}`);
    header.replaceChildren(words, link, ...(found.warning ? [build("p", { class: "hint warning" }, found.warning)] : []));
  }

  async #label({ found, viewer }) {
    if (!found.has_labels) return;
    const labels = await readGrey(found.links.labels, found.image);
    viewer.setLabels(labels, found.classes, { isOverlapping: found.is_overlapping });
  }

  #bind() {
    const viewers = this.#shown.filter(({ viewer }) => viewer);
    const isFollowed = (one) => viewers.some((other) => other !== one && this.#mapOf(one, other));
    at("link-line").hidden = !viewers.some(isFollowed);
    for (const one of viewers) {
      one.viewer.addEventListener("view", () => this.#follow(one));
    }
    at("styles").addEventListener("change", ({ target }) => {
      for (const { viewer } of viewers) viewer.style = target.value;
    });
    document.addEventListener("keydown", (event) => {
      const isText = event.target.matches("textarea, input:not([type=radio], [type=checkbox])");
      if (event.key.toLowerCase() === "h" && !isText && !event.ctrlKey) toggleMask();
    });
    at("ask").addEventListener("click", () => this.#toggleModel());
  }

  #follow(one) {
    if (!at("linked").checked || this.isFollowing) return;
    this.isFollowing = true;
    for (const other of this.#shown) {
      const map = other !== one && other.viewer ? this.#mapOf(one, other) : null;
      if (map) other.viewer.follow(one.viewer, map);
    }
    this.isFollowing = false;
  }

  /** From places of one sample to those of another; null where nobody knows. */
  #mapOf(one, other) {
    const { maps } = this.#finding;
    const map = maps.length ? between(maps[one.place], maps[other.place]) : null;
    if (map) return ofPlaces(map);
    return isSameSize(one.found.image, other.found.image) ? SAME : null;
  }

  async #toggleModel() {
    const button = at("ask");
    const isOn = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(isOn));
    if (!isOn) {
      for (const each of this.#shown) each.removeLayer?.();
      return;
    }
    button.disabled = true;
    try {
      await Promise.all(this.#shown.filter(({ viewer }) => viewer).map(addModel));
      at("state").textContent = "What the model says is outlined dashed.";
    } catch (error) {
      button.setAttribute("aria-pressed", "false");
      at("state").textContent = error.message;
    } finally {
      button.disabled = false;
    }
  }
}

async function addModel(each) {
  const { found, viewer } = each;
  each.prediction ??= await askJSON(found.links.prediction, { method: "POST" });
  const { classes, links, image, is_overlapping: isOverlapping } = each.prediction;
  each.labels ??= await readGrey(links.labels, image);
  const size = { width: image.width_px, height: image.height_px };
  each.removeLayer = viewer.addLayer(outlineLayer(each.labels, classes, size, { isOverlapping }));
}

const isSameSize = (one, other) => one.width_px === other.width_px && one.height_px === other.height_px;

function some(names) {
  return names.length > 6 ? `${names.slice(0, 6).join(", ")} and ${names.length - 6} more` : names.join(", ");
}
