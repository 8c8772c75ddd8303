/** What samples that lie on each other do not share: a picture of the masks and one of the images, with figures. */

import { API, askJSON } from "../api.js";
import { at, build } from "../elements.js";
import { wholeNumber } from "../words.js";
import { Samples } from "./samples.js";

let asked = 0;

/** Shows them; called again after a decision, for masks have changed. */
export async function showDifferences(finding) {
  if (!("difference" in finding.pictures)) return;
  const place = at("pictures");
  at("differences").hidden = false;
  at("first-name").textContent = `A (${finding.samples[0]})`;
  asked += 1;
  try {
    const found = await askJSON(`${API}/findings/${finding.id}/differences`);
    at("mask-legend").hidden = found.every((each) => !each.picture);
    at("other-class").hidden = found.every((each) => !each.other_class_px);
    place.replaceChildren(...found.flatMap((each) => figuresOf(finding, each)));
  } catch (error) {
    place.replaceChildren(build("p", { class: "notice" }, error.message));
  }
}

function figuresOf(finding, each) {
  const place = finding.samples.indexOf(each.other);
  const letter = Samples.letter(place);
  const heading = `Masks of A and ${letter} (${each.other})`;
  const image = finding.pictures[place === 1 ? "image_difference" : `image_difference_${place}`];
  return [
    each.picture ? masksOf(each, heading, letter) : build("p", { class: "notice" }, `${heading} cannot be compared: ${each.words}.`),
    build(
      "figure",
      { class: "sample" },
      picture(image, `Grey levels of ${letter} less those of A`),
      build("figcaption", { class: "small quiet" }, `How far the grey levels of ${letter} lie from those of A, brightened; where both are alike it is black.`),
    ),
  ];
}

function masksOf(each, heading, letter) {
  const figures = [
    ["in both", each.both_px],
    ["only in A", each.only_first_px],
    [`only in ${letter}`, each.only_other_px],
    ["another class", each.other_class_px],
    ["nothing known", each.unknown_px],
  ].filter(([name, count]) => count || name.startsWith("only") || name === "in both");
  const rows = figures.map(([name, count]) => {
    const number = build("td", { class: "number" }, `${wholeNumber(count)} px`);
    return build("tr", {}, build("th", { scope: "row" }, name), number);
  });
  const table = build("table", { class: "compact" }, build("caption", {}, heading), build("tbody", {}, ...rows));
  return build("figure", { class: "sample" }, picture(each.picture, `${heading}: ${each.words}`), table);
}

/** The picture as it is now: an address that was shown before is asked for anew. */
function picture(address, words) {
  return build("img", { src: `${address}?again=${asked}`, alt: words, class: "difference" });
}
