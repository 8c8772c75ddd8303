/** Borders along the edges of pixels, as closed loops, so that a dash runs on around corners. */

// The four ways on from a corner of pixels, each a right turn from the one before it.
const [EAST, SOUTH, WEST, NORTH] = [0, 1, 2, 3];

/**
 * The loops around the labels that `isOf` has a 1 for, with what is in on their right.
 *
 * Each is a list of column, row, column, row, ... of the corners at which it turns. Pixels that
 * touch by a corner alone have loops of their own, unless they hang together elsewhere.
 */
export function bordersOf(labels, isOf, { width, height }) {
  const stride = width + 1;
  const ways = waysOf(labels, isOf, { width, height });
  const loops = [];
  for (let start = 0; start < ways.length; start += 1) {
    while (ways[start] !== 0) loops.push(traced(ways, start, stride));
  }
  return loops;
}

/** For each corner of pixels, row by row, a bit for each way on along a border. */
function waysOf(labels, isOf, { width, height }) {
  const stride = width + 1;
  const ways = new Uint8Array(stride * (height + 1));
  const isIn = (at) => isOf[labels[at]] === 1;
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const at = row * width + column;
      if (!isIn(at)) continue;
      const corner = row * stride + column;
      if (row === 0 || !isIn(at - width)) ways[corner] |= 1 << EAST;
      if (column === width - 1 || !isIn(at + 1)) ways[corner + 1] |= 1 << SOUTH;
      if (row === height - 1 || !isIn(at + width)) ways[corner + stride + 1] |= 1 << WEST;
      if (column === 0 || !isIn(at - 1)) ways[corner + stride] |= 1 << NORTH;
    }
  }
  return ways;
}

/** One loop from a corner at which it turns; what was walked is taken out of `ways`. */
function traced(ways, start, stride) {
  const steps = [1, stride, -1, -stride];
  const corners = [];
  let at = start;
  let before = null;
  let way = wayOn(ways[at], NORTH);
  while (way !== null) {
    if (way !== before) corners.push(at % stride, Math.floor(at / stride));
    ways[at] &= ~(1 << way);
    at += steps[way];
    before = way;
    way = wayOn(ways[at], before);
  }
  return corners;
}

/** A right turn before straight on before a left turn; null where the loop is closed. */
function wayOn(open, before) {
  for (const turn of [1, 0, 3, 2]) {
    const way = (before + turn) & 3;
    if ((open >> way) & 1) return way;
  }
  return null;
}
