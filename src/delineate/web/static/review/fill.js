/** Regions that hang together, found from pixels or from the border of the image. */

/**
 * The pixels that hang together with some (4 neighbours) and that `isIn(index)` accepts.
 *
 * Four neighbours stop at a contour whose pixels touch at their corners only.
 *
 * @returns {{marked: Uint8Array, count: number, touchesBorder: boolean}}
 */
function regionFrom(starts, { width, height }, isIn) {
  const marked = new Uint8Array(width * height);
  const isNew = (i) => !marked[i] && isIn(i);
  const waiting = [...starts];
  let count = 0;
  let touchesBorder = false;
  while (waiting.length) {
    const seed = waiting.pop();
    if (!isNew(seed)) continue;
    const row = Math.floor(seed / width);
    const left = row * width;
    const [from, to] = runAround(seed, left, left + width, isNew);
    marked.fill(1, from, to);
    count += to - from;
    touchesBorder ||= row === 0 || row === height - 1 || from === left || to === left + width;
    if (row > 0) addSeeds(from - width, to - width, isNew, waiting);
    if (row < height - 1) addSeeds(from + width, to + width, isNew, waiting);
  }
  return { marked, count, touchesBorder };
}

/** The region of the label under a pixel: what a closed contour holds. */
export function regionOfLabel(labels, start, size) {
  const value = labels[start];
  return regionFrom([start], size, (i) => labels[i] === value);
}

/**
 * The region of alike grey levels: no channel is further than `tolerance` from the first pixel's.
 *
 * @param shades all channels of a pixel beside each other
 */
export function regionOfGrey(shades, channels, start, size, tolerance) {
  const first = [...shades.subarray(start * channels, (start + 1) * channels)];
  return regionFrom([start], size, (i) =>
    first.every((value, c) => Math.abs(shades[i * channels + c] - value) <= tolerance),
  );
}

/** The background that one class encloses: no way leads from it to the border of the image. */
export function holesOf(labels, label, size) {
  const outside = regionFrom(borderOf(size), size, (i) => labels[i] !== label).marked;
  const marked = outside.map((isOutside, i) => (labels[i] === 0 && !isOutside ? 1 : 0));
  return { marked, count: marked.reduce((sum, one) => sum + one, 0), touchesBorder: false };
}

/** The run of pixels around a seed, between the ends of its row. */
function runAround(seed, left, right, isNew) {
  let from = seed;
  while (from > left && isNew(from - 1)) from -= 1;
  let to = seed + 1;
  while (to < right && isNew(to)) to += 1;
  return [from, to];
}

/** One seed for each run of new pixels in a stretch of a row. */
function addSeeds(from, to, isNew, waiting) {
  let wasNew = false;
  for (let i = from; i < to; i += 1) {
    const now = isNew(i);
    if (now && !wasNew) waiting.push(i);
    wasNew = now;
  }
}

function borderOf({ width, height }) {
  const border = [];
  for (let column = 0; column < width; column += 1) {
    border.push(column, (height - 1) * width + column);
  }
  for (let row = 0; row < height; row += 1) {
    border.push(row * width, (row + 1) * width - 1);
  }
  return border;
}
