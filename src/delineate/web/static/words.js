/** Numbers as people read them. */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

export const wholeNumber = (number) => whole.format(number);
export const number4 = (number) => short.format(number);
export const percent = (share) =>
  `${short.format(Number((100 * share).toPrecision(share < 0.01 ? 2 : 3)))} %`;
export const counted = (count, one, many = `${one}s`) =>
  `${whole.format(count)} ${count === 1 ? one : many}`;

/** `12,345 px`, or `3.2 mm²` where the spacing is known. */
export function area(px, mm2) {
  return mm2 === null ? `${wholeNumber(px)} px` : `${number4(mm2)} mm²`;
}

/** Bytes, as a file manager has them. */
export function size(bytes) {
  if (bytes < 1024) return counted(bytes, "byte");
  const step = bytes < 2 ** 20 ? [2 ** 10, "KB"] : [2 ** 20, "MB"];
  return `${number4(Number((bytes / step[0]).toPrecision(3)))} ${step[1]}`;
}

/** Seconds, roughly. */
export function duration(seconds) {
  if (seconds < 90) return counted(Math.max(1, Math.round(seconds)), "second");
  return counted(Math.round(seconds / 60), "minute");
}

/** A point in time as this browser writes it. */
export function moment(iso) {
  return new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
