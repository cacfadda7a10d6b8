import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultState, formatAddress, parseAddress } from "convbert-explainer/address.js";

const SIZES = { L: 6, h: 6 };

test("a state comes back from its address", () => {
  const state = {
    ...defaultState(),
    text: "a & b = c # 50% + \u{1f642} שלום",
    other: "",
    layer: 5,
    head: 3,
    token: 2,
    masked: [1, 4],
    off: ["a0.0", "c5.5"],
    weights: "int8",
  };
  assert.deepEqual(parseAddress(formatAddress(state), SIZES), { state, problems: [] });
  assert.equal(formatAddress(defaultState()), "#");
  assert.deepEqual(parseAddress("", SIZES), { state: defaultState(), problems: [] });
});

test("what the model does not have is said, and a default stands in its place", () => {
  const { state, problems } = parseAddress("#layer=9&head=-1&off=a2.3,a2.9,x&weights=int4", SIZES);
  assert.equal(state.layer, 0);
  assert.equal(state.head, 0);
  assert.deepEqual(state.off, ["a2.3"]);
  assert.equal(state.weights, "float16");
  assert.equal(problems.length, 5);
  assert.match(problems[0], /asks for layer 9, but the model has layers 0 to 5\. The page shows layer 0/);
  assert.match(problems[1], /head -1/);
});

test("nonsense does no harm", () => {
  for (const hash of ["#", "#=&&", "#layer", "#layer=%zz", "#mask=,,x,1e9,3", "#token=99999999999"]) {
    const { state } = parseAddress(hash, SIZES);
    assert.ok(state.layer < SIZES.L);
    assert.ok(Number.isInteger(state.token));
  }
  assert.deepEqual(parseAddress("#mask=,,x,1e9,3", SIZES).state.masked, [3]);
});
