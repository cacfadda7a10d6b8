import assert from "node:assert/strict";
import { test } from "node:test";
import { kernelOverSentence, largest, percent, sigmoid, softmax } from "convbert-explainer/numbers.js";

test("softmax gives shares of one, also of scores that would overflow", () => {
  const shares = softmax([1000, 1000 + Math.log(3)]);
  assert.ok(Math.abs(shares[0] - 0.25) < 1e-9);
  assert.ok(Math.abs(shares[1] - 0.75) < 1e-9);
  assert.ok(Math.abs(sigmoid(0) - 0.5) < 1e-9);
  assert.ok(Math.abs(sigmoid(Math.log(3)) - 0.75) < 1e-9);
});

test("the largest values come first, the earlier of two equal ones before the later", () => {
  assert.deepEqual(largest([1, 5, 3, 5, 2], 3), [
    { index: 1, value: 5 },
    { index: 3, value: 5 },
    { index: 2, value: 3 },
  ]);
  const values = Array.from({ length: 500 }, (_, i) => (i * 7919) % 503);
  const sorted = [...values].sort((a, b) => b - a).slice(0, 5);
  assert.deepEqual(largest(values, 5).map((each) => each.value), sorted);
  assert.equal(largest([1], 5).length, 1);
});

test("a kernel lies over the sentence where its window is, and is cut at the ends", () => {
  const close = (row) => [...row].map((weight) => Number(weight.toFixed(6)));
  assert.deepEqual(close(kernelOverSentence([0.1, 0.7, 0.2], 2, 5)), [0, 0.1, 0.7, 0.2, 0]);
  assert.deepEqual(close(kernelOverSentence([0.1, 0.7, 0.2], 0, 2)), [0.7, 0.2]);
});

test("shares are written as whole percents", () => {
  assert.deepEqual([0, 0.001, 0.126, 1].map(percent), ["0%", "<1%", "13%", "100%"]);
});
