/** What lies below the pointer: place, grey level, class. */

import { at } from "../elements.js";
import { number4 } from "../words.js";

export function bindReadout(host, result, viewer) {
  host.addEventListener("pointermove", (event) => {
    const place = viewer.toImage(event.clientX, event.clientY);
    at("readout").textContent = words(result, viewer, Math.floor(place.row), Math.floor(place.column));
  });
  host.addEventListener("pointerleave", () => (at("readout").textContent = ""));
}

function words(result, viewer, row, column) {
  const isInside =
    row >= 0 && column >= 0 && row < viewer.height_px && column < viewer.width_px;
  if (!isInside || viewer.labels === null) return "";
  const said = [`row ${row}, column ${column}`];
  if (viewer.hasWindow) said.push(`value ${number4(viewer.value(row, column))}`);
  const label = viewer.labels[row * viewer.width_px + column];
  const here = result.classes.filter((each) =>
    result.own.is_overlapping ? (label >> (each.index - 1)) & 1 : each.index === label,
  );
  said.push(here.length === 0 ? "background" : here.map((each) => each.name).join(" and "));
  return said.join(" · ");
}
