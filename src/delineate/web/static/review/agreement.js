/** How far two labels of one image agree: the Dice coefficient, class by class. */

import { IGNORE } from "../viewer/palette.js";
import { belonging } from "./labelling.js";

/**
 * Pixels of a class in one, in the other and in both, of those that count: where both say
 * something, and inside the region where there is one (0 outside of it).
 */
export function counts(one, other, { index, isOverlapping, region = null }) {
  const isOf = belonging(index, isOverlapping);
  let [counted, inOne, inOther, inBoth] = [0, 0, 0, 0];
  for (let at = 0; at < one.length; at += 1) {
    if (one[at] === IGNORE || other[at] === IGNORE || region?.[at] === 0) continue;
    const isInOne = isOf[one[at]];
    const isInOther = isOf[other[at]];
    counted += 1;
    inOne += isInOne;
    inOther += isInOther;
    inBoth += isInOne & isInOther;
  }
  return { counted, inOne, inOther, inBoth };
}

/** The Dice coefficient to three digits, or why there is none. */
export function diceWords({ counted, inOne, inOther, inBoth }) {
  if (counted === 0) return "no pixel to compare";
  if (inOne + inOther === 0) return "none in either";
  return ((2 * inBoth) / (inOne + inOther)).toFixed(3);
}
