/**
 * Shapes as runs of pixels.
 *
 * A point is {row, column} in pixels from the image's upper left corner: pixel (0, 0) has its
 * centre at 0.5, 0.5. `paint(row, from, to)` gets the columns from `from` up to, not with, `to`.
 */

/**
 * The pixels that a round brush covers on its way from one point to another.
 *
 * A pixel belongs to it if its centre lies within half the diameter of the way. The pixels under
 * both ends always do, so that the thinnest brush marks what it points at.
 */
export function strokeRuns(from, to, diameter, { width, height }, paint) {
  const radius = diameter / 2;
  const first = Math.max(0, Math.floor(Math.min(from.row, to.row) - radius));
  const last = Math.min(height - 1, Math.floor(Math.max(from.row, to.row) + radius));
  for (let row = first; row <= last; row += 1) {
    const span = strokeSpan(from, to, radius, row + 0.5);
    for (const end of [from, to]) {
      if (Math.floor(end.row) === row) widen(span, Math.floor(end.column) + 0.5);
    }
    paintBetween(row, Math.ceil(span.low - 0.5), Math.floor(span.high - 0.5) + 1, width, paint);
  }
}

/**
 * The pixels whose centres lie inside of a polygon, by the even-odd rule.
 *
 * A centre exactly on an edge belongs to the polygon right of or below it: polygons that share
 * an edge never share a pixel and leave none out.
 */
export function polygonRuns(points, { width, height }, paint) {
  const rows = points.map((point) => point.row);
  const first = Math.max(0, Math.floor(Math.min(...rows)));
  const last = Math.min(height - 1, Math.floor(Math.max(...rows)));
  for (let row = first; row <= last; row += 1) {
    const crossings = crossingsAt(points, row + 0.5);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const from = Math.ceil(crossings[i] - 0.5);
      const to = Math.ceil(crossings[i + 1] - 0.5);
      paintBetween(row, from, to, width, paint);
    }
  }
}

/** Columns at which the polygon's edges cross a row of centres, from left to right. */
function crossingsAt(points, y) {
  const found = [];
  points.forEach((a, i) => {
    const b = points[(i + 1) % points.length];
    if (a.row <= y !== b.row <= y) {
      found.push(a.column + ((y - a.row) / (b.row - a.row)) * (b.column - a.column));
    }
  });
  return found.sort((a, b) => a - b);
}

/** From where to where the way of a disc covers a row: it is convex, so there is one span. */
function strokeSpan(from, to, radius, y) {
  const span = { low: Infinity, high: -Infinity };
  for (const end of [from, to]) {
    const up = radius * radius - (y - end.row) ** 2;
    if (up >= 0) {
      widen(span, end.column - Math.sqrt(up));
      widen(span, end.column + Math.sqrt(up));
    }
  }
  const length = Math.hypot(to.row - from.row, to.column - from.column);
  if (length > 0) {
    for (const column of crossingsAt(beside(from, to, radius / length), y)) widen(span, column);
  }
  return span;
}

/** The corners of the rectangle along a way, `share` of its length to both sides. */
function beside(from, to, share) {
  const down = (to.column - from.column) * share;
  const right = (from.row - to.row) * share;
  const moved = (point, sign) => ({
    row: point.row + sign * down,
    column: point.column + sign * right,
  });
  return [moved(from, 1), moved(to, 1), moved(to, -1), moved(from, -1)];
}

function widen(span, column) {
  span.low = Math.min(span.low, column);
  span.high = Math.max(span.high, column);
}

function paintBetween(row, from, to, width, paint) {
  const low = Math.max(0, from);
  const high = Math.min(width, to);
  if (high > low) paint(row, low, high);
}
