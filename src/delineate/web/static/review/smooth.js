/** Smoothing of labels by a vote of neighbours. */

import { IGNORE } from "../viewer/palette.js";

/**
 * The labels after each pixel took the label that most pixels of the disc around it have.
 *
 * This is the median filter where there are two labels, and the mode filter where there are
 * more. A pixel keeps its label where no other has more votes; where several others have as many,
 * the lowest wins. Beyond the image nobody votes;
 * pixels of which nothing is known (255) neither vote nor change.
 *
 * @param radius of the disc in px: pixels whose centres lie that near vote
 * @param box {top, left, bottom, right} of the pixels that may change; all others only vote
 * @returns {Uint8Array} all labels, those outside of the box as they were
 */
export function smoothed(labels, { width, height }, radius, box) {
  const result = labels.slice();
  const known = [...new Set(labels)].filter((label) => label !== IGNORE).sort((a, b) => a - b);
  const reach = halfWidths(radius);
  for (let row = box.top; row < box.bottom; row += 1) {
    const votes = new Uint32Array(256);
    const rows = rowsAround(row, height, reach);
    for (const each of rows) countFirst(labels, votes, each, box.left, width);
    for (let column = box.left; column < box.right; column += 1) {
      const place = row * width + column;
      if (labels[place] !== IGNORE) result[place] = elected(votes, labels[place], known);
      for (const each of rows) moveOn(labels, votes, each, column, width);
    }
  }
  return result;
}

/** The smallest box around all pixels that are not background, wider by a margin; or null. */
export function boxOfForeground(labels, { width, height }, margin) {
  const box = { top: height, left: width, bottom: 0, right: 0 };
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      if (!labels[row * width + column]) continue;
      box.top = Math.min(box.top, row);
      box.bottom = row + 1;
      box.left = Math.min(box.left, column);
      box.right = Math.max(box.right, column + 1);
    }
  }
  if (box.bottom === 0) return null;
  return {
    top: Math.max(0, box.top - margin),
    left: Math.max(0, box.left - margin),
    bottom: Math.min(height, box.bottom + margin),
    right: Math.min(width, box.right + margin),
  };
}

/** For each row of the disc from -radius on: how far it goes to the left and to the right. */
function halfWidths(radius) {
  const whole = Math.floor(radius);
  const rows = Array.from({ length: 2 * whole + 1 }, (_, i) => i - whole);
  return rows.map((down) => ({ down, half: Math.floor(Math.sqrt(radius * radius - down * down)) }));
}

function rowsAround(row, height, reach) {
  return reach
    .filter(({ down }) => row + down >= 0 && row + down < height)
    .map(({ down, half }) => ({ at: row + down, half }));
}

function countFirst(labels, votes, { at, half }, column, width) {
  const last = Math.min(width - 1, column + half);
  for (let x = Math.max(0, column - half); x <= last; x += 1) {
    votes[labels[at * width + x]] += 1;
  }
}

/** The disc goes one pixel to the right: one comes in at that end of its row, one goes out. */
function moveOn(labels, votes, { at, half }, column, width) {
  const coming = column + half + 1;
  const going = column - half;
  if (coming < width) votes[labels[at * width + coming]] += 1;
  if (going >= 0) votes[labels[at * width + going]] -= 1;
}

/** The label with most votes; the pixel's own where it is among the first. */
function elected(votes, own, known) {
  let best = own;
  for (const label of known) {
    if (votes[label] > votes[best]) best = label;
  }
  return best;
}
