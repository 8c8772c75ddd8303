/** What the image is, which model looked, and what must be known to read the result. */

import { at, badge, build } from "../elements.js";
import { moment, number4, wholeNumber } from "../words.js";

export function showAbout(result) {
  const { image, model, milliseconds, at: when, case: key } = result.own;
  at("about").hidden = false;
  const size = `${wholeNumber(image.width_px)} × ${wholeNumber(image.height_px)} px`;
  const kind =
    image.shades === "uint16" ? "grey levels" : image.channels === 1 ? "grey" : "colour";
  at("badges").replaceChildren(
    ...[image.format, size, kind].map((each) => badge(each)),
  );
  if (key !== null) {
    at("badges").append(
      build("a", { class: "button compact", href: `/review/case/${key}` }, "Compare and mend"),
    );
  }
  const facts = [
    ["Model", model],
    ["Size", size],
    ["Predicted", moment(when)],
    ["Time in the model", `${number4(milliseconds)} ms`],
    ["Spacing", spacing(image)],
    ["Grey levels at first", levels(image)],
  ];
  at("facts").replaceChildren(
    ...facts.map(([name, value]) => build("div", {}, build("dt", {}, name), build("dd", {}, value))),
  );
  const update = () => {
    at("notes").replaceChildren(...result.document.notes.map((each) => build("li", {}, each)));
  };
  result.addEventListener("document", update);
  update();
}

function levels({ window: { low, high, origin } }) {
  return `${number4(low)} to ${number4(high)}: ${origin}`;
}

function spacing({ spacing: found }) {
  if (found === null) return "not known, so that lengths are in pixels";
  return `${number4(found.row_mm)} × ${number4(found.column_mm)} mm (row × column): ${found.origin}`;
}
