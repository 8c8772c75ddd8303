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

/** What the gate says, in one line; null without a gate. */
export function gateWords(gate) {
  if (!gate) return null;
  const [probability, threshold] = [gate.probability.toFixed(2), gate.threshold.toFixed(2)];
  return gate.is_present
    ? `gate: something to find (${probability}, present from ${threshold} on)`
    : `gate: nothing to find (${probability}, present from ${threshold} on), so not outlined`;
}

/** What was found of one class, in one line. */
export function foundWords(measure, name) {
  const area =
    measure.area_mm2 === null
      ? `${number(measure.area_px)} px`
      : `${AREA.format(measure.area_mm2)} mm²`;
  return `${name}: ${counted(measure.count, "object")}, ${area} (${SHARE.format(measure.share)})`;
}
