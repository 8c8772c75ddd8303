/** Thresholds beside the page, so that a slider moves freely over large pictures. */

import { labelsOf } from "./thresholding.js";

let [maps, size, minimumArea] = [[], null, 0];

onmessage = ({ data }) => {
  if (data.maps !== undefined) ({ maps, size, minimumArea } = data);
  else {
    const labels = labelsOf(maps, data.thresholds, size, minimumArea);
    postMessage(labels, [labels.buffer]);
  }
};
