/** The colours of heat maps, as reports have them: matplotlib's inferno, every 17th of 256. */

import { rgba } from "./palette.js";

const STOPS = [
  [0, 0, 4],
  [12, 8, 38],
  [36, 12, 79],
  [66, 10, 104],
  [93, 18, 110],
  [120, 28, 109],
  [147, 38, 103],
  [174, 48, 92],
  [199, 62, 76],
  [221, 81, 58],
  [237, 105, 37],
  [248, 133, 15],
  [252, 165, 10],
  [250, 198, 45],
  [242, 230, 97],
  [252, 255, 164],
];
const APART = 17;

/** Red, green and blue of a number from 0 to 1. */
export function heatColour(heat) {
  const place = (heat * 255) / APART;
  const below = Math.min(STOPS.length - 2, Math.floor(place));
  const share = place - below;
  return STOPS[below].map((each, at) =>
    Math.round(each * (1 - share) + STOPS[below + 1][at] * share),
  );
}

/** 256 colours from cold to hot, the hotter the less of the picture below is seen. */
export function heatColours(opacity) {
  return Uint32Array.from({ length: 256 }, (_, at) =>
    rgba(heatColour(at / 255), (opacity * at) / 255),
  );
}
