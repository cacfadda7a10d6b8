/** Small calculations on what the model gives back. */

/** The probabilities of some scores: exp(score) over their sum. */
export function softmax(scores) {
  const largest = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = Float64Array.from(scores, (score) => Math.exp(score - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** The probability that belongs to one score for "yes". */
export function sigmoid(score) {
  return 1 / (1 + Math.exp(-score));
}

/** The `count` largest values as [{index, value}], the largest first. */
export function largest(values, count) {
  const found = [];
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (found.length === count && value <= found[count - 1].value) continue;
    const place = found.findIndex((each) => each.value < value);
    found.splice(place < 0 ? found.length : place, 0, { index, value });
    found.length = Math.min(found.length, count);
  }
  return found;
}

/** A probability or weight as the page writes it. */
export function percent(share) {
  return share > 0 && share < 0.005 ? "<1%" : `${Math.round(100 * share)}%`;
}

/** The row of kernel weights of one token spread over the sentence; positions outside of it are left out. */
export function kernelOverSentence(kernel, position, length) {
  const row = new Float32Array(length);
  const reach = kernel.length >> 1;
  kernel.forEach((weight, j) => {
    const at = position + j - reach;
    if (at >= 0 && at < length) row[at] = weight;
  });
  return row;
}
