/** Outlines of labels along the borders of pixels, to be drawn over a picture at any zoom. */

import { bordersOf } from "./borders.js";
import { belonging } from "./labelling.js";

const WHITE = [255, 255, 255];
const PROPOSED = { dash_px: [6, 4], width_px: 2, halo_px: 0.75 };

function pathOf(loops) {
  const path = new Path2D();
  for (const [column, row, ...others] of loops) {
    path.moveTo(column, row);
    for (let at = 0; at < others.length; at += 2) path.lineTo(others[at], others[at + 1]);
    path.closePath();
  }
  return path;
}

/**
 * A layer for a viewer: dashed lines on black, in one colour or, for several classes, in theirs.
 *
 * @param line its `dash_px`, `width_px` and `halo_px` of black on each side, on the screen, and its
 *   `colour` where there is one class
 */
export function outlineLayer(labels, classes, size, { isOverlapping = false, line = PROPOSED } = {}) {
  const found = classes.filter(({ index }) => index > 0);
  const colourOf = ({ colour }) => (found.length > 1 ? colour : line.colour);
  const paths = found.map((each) => [
    pathOf(bordersOf(labels, belonging(each.index, isOverlapping), size)),
    { ...line, colour: colourOf(each) },
  ]);
  return (context, viewer) => {
    const { x, y } = viewer.toHost(0, 0);
    context.translate(x, y);
    context.scale(viewer.scale, viewer.scale);
    for (const [path, own] of paths) stroke(context, path, own, viewer.scale);
  };
}

/** A line on black; `scale` is how many px of the screen one unit of the path has. */
export function stroke(context, path, line, scale = 1) {
  const { dash_px: dash, width_px: width, halo_px: halo, colour = WHITE } = line;
  context.setLineDash([]);
  context.lineWidth = (width + 2 * halo) / scale;
  context.strokeStyle = "#000c";
  context.stroke(path);
  context.setLineDash(dash.map((px) => px / scale));
  context.lineWidth = width / scale;
  context.strokeStyle = `rgb(${colour.join(" ")})`;
  context.stroke(path);
}
