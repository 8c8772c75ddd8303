/** Edges of labels along the borders of pixels, to be drawn over a picture at any zoom. */

const DASH_PX = [6, 4];
const WHITE = [255, 255, 255];

/** The edges of one class as a path in image coordinates. */
function outlineOf(labels, label, { width, height }) {
  const path = new Path2D();
  const isIn = (row, column) =>
    row >= 0 && column >= 0 && row < height && column < width && labels[row * width + column] === label;
  for (let row = 0; row <= height; row += 1) {
    runs(width, (column) => isIn(row, column) !== isIn(row - 1, column), (from, to) => {
      path.moveTo(from, row);
      path.lineTo(to, row);
    });
  }
  for (let column = 0; column <= width; column += 1) {
    runs(height, (row) => isIn(row, column) !== isIn(row, column - 1), (from, to) => {
      path.moveTo(column, from);
      path.lineTo(column, to);
    });
  }
  return path;
}

/** A layer for a viewer: dashed lines on black, white or, for several classes, in their colours. */
export function outlineLayer(labels, classes, size) {
  const found = classes.filter(({ index }) => index > 0);
  const colourOf = ({ colour }) => (found.length > 1 ? colour : WHITE);
  const paths = found.map((each) => [outlineOf(labels, each.index, size), colourOf(each)]);
  return (context, viewer) => {
    const { x, y } = viewer.toHost(0, 0);
    context.translate(x, y);
    context.scale(viewer.scale, viewer.scale);
    for (const [path, colour] of paths) {
      context.setLineDash([]);
      context.lineWidth = 3.5 / viewer.scale;
      context.strokeStyle = "#000c";
      context.stroke(path);
      context.setLineDash(DASH_PX.map((px) => px / viewer.scale));
      context.lineWidth = 2 / viewer.scale;
      context.strokeStyle = `rgb(${colour.join(" ")})`;
      context.stroke(path);
    }
  };
}

function runs(length, isEdge, draw) {
  let from = -1;
  for (let at = 0; at <= length; at += 1) {
    const is = at < length && isEdge(at);
    if (is && from < 0) from = at;
    if (!is && from >= 0) {
      draw(from, at);
      from = -1;
    }
  }
}
