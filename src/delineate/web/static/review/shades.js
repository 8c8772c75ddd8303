/** Grey levels of a picture, for fills that follow them. */

/**
 * A function that takes them from the viewer once, when they are first needed.
 *
 * @returns {() => {shades: Uint8ClampedArray | Uint16Array, channels: number, levels: number}}
 *   `levels` of the shown range, from black to white
 */
export function greysOf(viewer, { slope }) {
  let numbers = null;
  return () => {
    numbers ??= viewer.numbers();
    const { low, high } = viewer.window;
    return { ...numbers, levels: viewer.hasWindow ? (high - low) / Math.abs(slope) : 255 };
  };
}
