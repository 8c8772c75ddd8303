/** What was found in words, and a switch a class. */

import { at, build } from "../elements.js";
import { swatch } from "../viewer/palette.js";
import { area, counted, percent } from "../words.js";

export function showFound(result, viewer) {
  const areas = new Map();
  at("classes").replaceChildren(
    ...result.classes.map((each) => {
      const box = build("input", { type: "checkbox", checked: "" });
      box.addEventListener("change", () => {
        const hidden = new Set(viewer.hidden);
        if (box.checked) hidden.delete(each.index);
        else hidden.add(each.index);
        viewer.hidden = hidden;
      });
      const own = build("span", { class: "area" });
      areas.set(each.index, own);
      const picture = swatch(result.own.classes, each.index);
      picture.setAttribute("aria-hidden", "true");
      return build("li", {}, build("label", {}, box, picture, build("span", {}, each.name), own));
    }),
  );
  const update = () => {
    const { classes } = result.document.measurements;
    at("summary").textContent = summary(result.document);
    for (const each of classes) {
      const words = each.count === 0 ? "none" : area(each.area_px, each.area_mm2);
      areas.get(each.class_index).textContent = words;
    }
  };
  result.addEventListener("document", update);
  update();
}

/** One sentence: how many objects, and how much of the picture, unless areas overlap. */
export function summary({ gate, measurements, image, is_overlapping: isOverlapping }) {
  if (gate !== null && !gate.is_present) return "The gate finds nothing here.";
  const found = measurements.classes.filter((each) => each.count > 0);
  if (found.length === 0) return "Nothing reaches the threshold.";
  const objects = found.reduce((sum, each) => sum + each.count, 0);
  if (isOverlapping) {
    return `${counted(objects, "object")} of ${counted(found.length, "class", "classes")}.`;
  }
  const px = found.reduce((sum, each) => sum + each.area_px, 0);
  const share = px / (image.width_px * image.height_px);
  return `${counted(objects, "object")}, ${percent(share)} of the picture.`;
}
