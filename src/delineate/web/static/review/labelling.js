/**
 * What painting and rubbing out make of labels, as tables of all 256 of them.
 *
 * Labels are class indices, so that a pixel has one class; or, where classes overlap, codes with a
 * bit for each class. 255 is a pixel of which nothing is known under both.
 */

import { IGNORE } from "../viewer/palette.js";

export const BACKGROUND = 0;

/** 1 for labels of pixels that belong to a class, else 0. */
export function belonging(label, isOverlapping) {
  if (!isOverlapping || label === IGNORE) return table((was) => Number(was === label));
  return table((was) => (was === IGNORE ? 0 : (was >> (label - 1)) & 1));
}

/**
 * The labels of pixels over which a class is painted.
 *
 * Classes that overlap are added to those that are there; a pixel of which nothing was known has
 * the one alone. Else `keepsOthers` paints background only.
 */
export function painted(label, { isOverlapping, keepsOthers = false }) {
  if (!isOverlapping) return table((was) => (keepsOthers && was !== BACKGROUND ? was : label));
  return table((was) => (label === IGNORE ? IGNORE : (was === IGNORE ? 0 : was) | bitOf(label)));
}

/** The labels of pixels that are rubbed out; of classes that overlap only the one in use goes. */
export function rubbedOut(label, { isOverlapping, keepsOthers = false }) {
  if (!isOverlapping) return table((was) => (keepsOthers && was !== label ? was : BACKGROUND));
  const isIn = belonging(label, isOverlapping);
  return table((was) => (isIn[was] ? (was === IGNORE ? BACKGROUND : was & ~bitOf(label)) : was));
}

/** One class by itself: 1 where a pixel belongs to it, 255 where nothing is known, else 0. */
export function alone(label, isOverlapping) {
  const isIn = belonging(label, isOverlapping);
  return table((was) => (was === IGNORE && !isIn[was] ? IGNORE : isIn[was]));
}

const bitOf = (label) => 1 << (label - 1);
const table = (change) => Uint8Array.from({ length: 256 }, (_, was) => change(was));
