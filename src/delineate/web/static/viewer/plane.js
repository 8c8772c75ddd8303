/**
 * Numbers of a picture, row by row, with halved copies for small views.
 *
 * A view that shows four image pixels in one reads a copy in which `join` has made one of each
 * four, so that thin things do not fall between the samples, and a frame costs the pixels of the
 * screen and not those of the image.
 */
export class Plane {
  #levels;
  #join;

  /** `join(a, b, c, d)` makes one number of four neighbours. */
  constructor(data, width, height, join) {
    this.#levels = [{ data, width, height }];
    this.#join = join;
  }

  get data() {
    return this.#levels[0].data;
  }

  get width() {
    return this.#levels[0].width;
  }

  get height() {
    return this.#levels[0].height;
  }

  /** The numbers have changed inside `box` = [top, left, height, width], or anywhere. */
  refresh(box = [0, 0, this.height, this.width]) {
    let [top, left, bottom, right] = [box[0], box[1], box[0] + box[2], box[1] + box[3]];
    for (let level = 1; level < this.#levels.length; level += 1) {
      [top, left, bottom, right] = [top >> 1, left >> 1, (bottom + 1) >> 1, (right + 1) >> 1];
      halve(this.#levels[level - 1], this.#levels[level], this.#join, [top, left, bottom, right]);
    }
  }

  /** The copy to sample at `scale` screen px an image px: { data, width, height, level }. */
  at(scale) {
    let level = 0;
    while (scale * 2 ** (level + 1) <= 1) level += 1;
    while (this.#levels.length <= level) this.#levels.push(this.#halved());
    return { ...this.#levels[level], level };
  }

  #halved() {
    const from = this.#levels.at(-1);
    const [width, height] = [(from.width + 1) >> 1, (from.height + 1) >> 1];
    const to = { data: new from.data.constructor(width * height), width, height };
    halve(from, to, this.#join, [0, 0, height, width]);
    return to;
  }
}

function halve(from, to, join, [top, left, bottom, right]) {
  for (let row = Math.max(0, top); row < Math.min(bottom, to.height); row += 1) {
    const above = 2 * row * from.width;
    const below = 2 * row + 1 < from.height ? above + from.width : above;
    for (let column = Math.max(0, left); column < Math.min(right, to.width); column += 1) {
      const here = 2 * column;
      const next = here + 1 < from.width ? here + 1 : here;
      to.data[row * to.width + column] = join(
        from.data[above + here],
        from.data[above + next],
        from.data[below + here],
        from.data[below + next],
      );
    }
  }
}

/** Which index of a plane each screen px reads, -1 outside: the nearest pixel. */
function indices(length, offset, scale, size, level) {
  const found = new Int32Array(length);
  for (let at = 0; at < length; at += 1) {
    const pixel = Math.floor((at + 0.5 - offset) / scale);
    found[at] = pixel < 0 || pixel >= size ? -1 : pixel >> level;
  }
  return found;
}

/**
 * For each screen px of `part` the number below it, under `table` where one is given; `outside`
 * beyond the picture.
 */
export function sampled(plane, frame, part, out, { table = null, outside = 0 } = {}) {
  const source = plane.at(frame.scale);
  const columns = indices(frame.width, frame.left, frame.scale, plane.width, source.level);
  const rows = indices(frame.height, frame.top, frame.scale, plane.height, source.level);
  const { data, width } = source;
  for (let y = part.top; y < part.bottom; y += 1) {
    const start = y * frame.width;
    const [from, to, row] = [start + part.left, start + part.right, rows[y]];
    if (row < 0) out.fill(outside, from, to);
    else if (y > part.top && row === rows[y - 1]) {
      out.copyWithin(from, from - frame.width, to - frame.width);
    } else {
      const base = row * width;
      for (let x = part.left; x < part.right; x += 1) {
        const column = columns[x];
        const value = column < 0 ? outside : data[base + column];
        out[start + x] = table === null || column < 0 ? value : table[value];
      }
    }
  }
}
