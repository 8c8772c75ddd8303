/** What was found, in a line each. */

import { area, counted, percent } from "../words.js";

/**
 * What the gate says of an image, and that nothing was found where nothing was; empty where only
 * the classes have something to say.
 * @param {{probability: number, threshold: number, is_present: boolean} | null} gate
 * @param {number} found how many classes something was found of
 */
export function verdictWords(gate, found) {
  const nothing = found === 0 ? "nothing found" : "";
  if (!gate) return nothing;
  const figures = `(${gate.probability.toFixed(2)}, present from ${gate.threshold.toFixed(2)} on)`;
  if (!gate.is_present) return `gate: nothing to find ${figures}, so not outlined`;
  return `gate: something to find ${figures}${nothing && `, but ${nothing}`}`;
}

/** What was found of one class. */
export function foundWords(measure, name) {
  const size = area(measure.area_px, measure.area_mm2);
  return `${name}: ${counted(measure.count, "object")}, ${size} (${percent(measure.share)})`;
}
