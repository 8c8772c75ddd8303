/** From probability to labels, bit for bit as the server has it. */

/**
 * H * W labels: 1 where one map reaches its threshold; where classes overlap bit N - 1 where map N
 * reaches its own. Objects (8 neighbours) of fewer pixels than the minimum are taken away.
 *
 * @param {Float32Array[]} maps one a class, without the background
 * @param {number[]} thresholds one a map
 */
export function labelsOf(maps, thresholds, { width, height }, minimumArea) {
  const labels = new Uint8Array(width * height);
  maps.forEach((map, at) => {
    const bit = 1 << at;
    // Probability is compared as the 32-bit numbers that it is made of.
    const threshold = Math.fround(thresholds[at]);
    for (let pixel = 0; pixel < labels.length; pixel += 1) {
      if (map[pixel] >= threshold) labels[pixel] |= bit;
    }
    if (minimumArea > 1) clearSmall(labels, bit, { width, height }, minimumArea);
  });
  return labels;
}

/** Take a bit from every object of fewer pixels than `minimumArea`, in place. */
function clearSmall(labels, bit, size, minimumArea) {
  const runs = runsOf(labels, bit, size);
  const root = joined(runs, size.height);
  const areas = new Map();
  for (let at = 0; at < root.length; at += 1) {
    const area = runs.ends[at] - runs.starts[at];
    areas.set(root[at], (areas.get(root[at]) ?? 0) + area);
  }
  for (let at = 0; at < root.length; at += 1) {
    if (areas.get(root[at]) >= minimumArea) continue;
    for (let pixel = runs.starts[at]; pixel < runs.ends[at]; pixel += 1) labels[pixel] &= ~bit;
  }
}

/** Stretches of pixels with a bit, row by row; `rows[y]` is the first of row y. */
function runsOf(labels, bit, { width, height }) {
  const [starts, ends, rows] = [[], [], []];
  for (let y = 0; y < height; y += 1) {
    rows.push(starts.length);
    const [first, last] = [y * width, (y + 1) * width];
    for (let pixel = first; pixel < last; pixel += 1) {
      if ((labels[pixel] & bit) === 0) continue;
      starts.push(pixel);
      while (pixel < last && (labels[pixel] & bit) !== 0) pixel += 1;
      ends.push(pixel);
    }
  }
  rows.push(starts.length);
  return { starts, ends, rows, width };
}

/** For each stretch the number of its object: those of neighbouring rows that touch are one. */
function joined({ starts, ends, rows, width }, height) {
  const parent = Int32Array.from(starts, (_, at) => at);
  const rootOf = (at) => {
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]];
      at = parent[at];
    }
    return at;
  };
  for (let y = 1; y < height; y += 1) {
    let above = rows[y - 1];
    for (let at = rows[y]; at < rows[y + 1]; at += 1) {
      // Above it, corners included: from one pixel before its start to one after its end.
      const [from, to] = [starts[at] - width, ends[at] - width];
      while (above < rows[y] && ends[above] < from) above += 1;
      for (let each = above; each < rows[y] && starts[each] <= to; each += 1) {
        parent[rootOf(at)] = rootOf(each);
      }
    }
  }
  return parent.map((_, at) => rootOf(at));
}
