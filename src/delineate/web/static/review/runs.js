/** Labels packed as runs of equal values, which is small for what people draw. */

/** @returns {{length: number, values: Uint8Array, ends: Uint32Array}} */
export function packed(labels) {
  const values = [];
  const ends = [];
  for (let i = 0; i < labels.length; i += 1) {
    if (i > 0 && labels[i] === values[values.length - 1]) {
      ends[ends.length - 1] = i + 1;
    } else {
      values.push(labels[i]);
      ends.push(i + 1);
    }
  }
  return { length: labels.length, values: Uint8Array.from(values), ends: Uint32Array.from(ends) };
}

export function unpacked({ length, values, ends }) {
  const labels = new Uint8Array(length);
  values.forEach((value, i) => labels.fill(value, i ? ends[i - 1] : 0, ends[i]));
  return labels;
}

export function bytesOf({ values, ends }) {
  return values.byteLength + ends.byteLength;
}
