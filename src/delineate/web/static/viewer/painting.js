/** From numbers at screen size to pixels. */

import { TILE } from "./palette.js";

/** How wide outlines are, in px of the frame. */
export const reachOf = (frame) => Math.max(1, Math.round(1.5 * frame.ratio));

/**
 * Areas and outlines of labels, in `part` of a frame; outlines are as wide at any zoom.
 *
 * An outline lies inside its object, with a dark line around it where nothing is, so that it is
 * seen on any image.
 */
export function paintLabels(grid, frame, part, { palette, pixels }) {
  const { width, height } = frame;
  const shift = frame.ratio >= 2 ? 1 : 0;
  const reach = reachOf(frame);
  // Patterns hold to the picture and do not crawl while it is moved.
  const [offsetX, offsetY] = [-Math.round(frame.left), -Math.round(frame.top)];
  const { fill, edge, halo } = palette;
  for (let y = part.top; y < part.bottom; y += 1) {
    const up = y >= reach ? reach * width : 0;
    const down = y + reach < height ? reach * width : 0;
    const tileRow = (((y + offsetY) >> shift) & 7) * TILE;
    for (let x = part.left; x < part.right; x += 1) {
      const at = y * width + x;
      const label = grid[at];
      const isInside =
        label === grid[at - up] &&
        label === grid[at + down] &&
        label === grid[x >= reach ? at - reach : at] &&
        label === grid[x + reach < width ? at + reach : at];
      if (label === 0) {
        pixels[at] = isInside ? 0 : halo;
        continue;
      }
      const table = isInside ? fill : edge;
      pixels[at] = table[label * TILE * TILE + tileRow + (((x + offsetX) >> shift) & 7)];
    }
  }
}

/** Numbers from 0 to 1 as `colours`, 256 of them; NaN stays clear. */
export function paintHeat(grid, colours, pixels) {
  for (let at = 0; at < pixels.length; at += 1) {
    const heat = grid[at];
    pixels[at] = heat >= 0 ? colours[Math.min(255, Math.round(255 * heat))] : 0;
  }
}

/** Stored grey levels through a table of colours. */
export function paintShades(grid, colours, pixels) {
  for (let at = 0; at < pixels.length; at += 1) pixels[at] = colours[grid[at]];
}
