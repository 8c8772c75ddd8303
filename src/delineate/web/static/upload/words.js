/** Figures in words. */

const NUMBER = new Intl.NumberFormat("en");
const SHARE = new Intl.NumberFormat("en", { style: "percent", maximumSignificantDigits: 2 });
const AREA = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

export const number = (value) => NUMBER.format(value);
export const counted = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;

/** Bytes, as a file manager has them. */
export function size(bytes) {
  if (bytes < 1024) return counted(bytes, "byte");
  const step = bytes < 2 ** 20 ? [2 ** 10, "KB"] : [2 ** 20, "MB"];
  return `${number(Number((bytes / step[0]).toPrecision(3)))} ${step[1]}`;
}

/** Seconds, roughly. */
export function duration(seconds) {
  if (seconds < 90) return counted(Math.max(1, Math.round(seconds)), "second");
  return counted(Math.round(seconds / 60), "minute");
}

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

/** What was found of one class, in one line. */
export function foundWords(measure, name) {
  const area =
    measure.area_mm2 === null
      ? `${number(measure.area_px)} px`
      : `${AREA.format(measure.area_mm2)} mm²`;
  return `${name}: ${counted(measure.count, "object")}, ${area} (${SHARE.format(measure.share)})`;
}
