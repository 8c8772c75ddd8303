/**
 * Affine maps from places of one picture to those of another, as six numbers [a, b, c, d, e, f]:
 * column' = a * column + b * row + c and row' = d * column + e * row + f.
 */

export const SAME = [1, 0, 0, 0, 1, 0];

/** From one picture to another, of a third one's maps to both; null where the first loses area. */
export function between([a, b, c, d, e, f], to) {
  const area = a * e - b * d;
  if (!(Math.abs(area) > 1e-9)) return null;
  const [p, q, r, s] = [e / area, -b / area, -d / area, a / area];
  return composed(to, [p, q, -p * c - q * f, r, s, -r * c - s * f]);
}

/** A map of pixel centres at whole numbers, for continuous places with centres at one half. */
export function ofPlaces([a, b, c, d, e, f]) {
  return [a, b, c + 0.5 - (a + b) / 2, d, e, f + 0.5 - (d + e) / 2];
}

export function placed([a, b, c, d, e, f], { row, column }) {
  return { column: a * column + b * row + c, row: d * column + e * row + f };
}

/** How many times longer lines are there, on average over directions that differ. */
export function magnification([a, b, , d, e]) {
  return Math.sqrt(Math.abs(a * e - b * d));
}

function composed([a, b, c, d, e, f], [p, q, r, s, t, u]) {
  return [a * p + b * s, a * q + b * t, a * r + b * u + c, d * p + e * s, d * q + e * t, d * r + e * u + f];
}
