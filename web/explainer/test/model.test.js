import assert from "node:assert/strict";
import { test } from "node:test";
import { withNumbers } from "convbert-explainer/map.js";
import { Model, PageError, Result, checkFile, hasSimd, headFactors } from "convbert-explainer/engine.js";

test("letters of a shape become numbers", () => {
  const values = { B: 1, n: 12, d: 384, a: 192, h: 6, k: 9, v: 30522 };
  assert.equal(withNumbers("self-attention\n[B, h, n, n]", values), "self-attention\n[1, 6, 12, 12]");
  assert.equal(withNumbers("[B, n, 2a]", values), "[1, 12, 384]");
  assert.equal(withNumbers("logits\n[B, n, v]", values), "logits\n[1, 12, 30522]");
});

test("heads that are off get a zero, in their own kind", () => {
  assert.deepEqual([...headFactors("a", ["a1.0", "c0.1"], 2, 3)], [1, 1, 1, 0, 1, 1]);
  assert.deepEqual([...headFactors("c", ["a1.0", "c0.1"], 2, 3)], [1, 0, 1, 1, 1, 1]);
});

test("a result finds its rows", () => {
  const sizes = { L: 2, h: 3, k: 5, v: 7 };
  const count = (length) => ({ data: Float32Array.from({ length }, (_, index) => index) });
  const output = {
    logits: count(4 * 7), replaced_logits: count(4), attentions: count(2 * 3 * 4 * 4), conv_kernels: count(2 * 3 * 4 * 5),
  };
  const result = new Result(4, output, sizes);
  assert.deepEqual([...result.scores(2)], [14, 15, 16, 17, 18, 19, 20]);
  // [layer, head, row]: ((1 * 3 + 2) * 4 + 3) rows come before.
  assert.deepEqual([...result.attention(1, 2, 3)], [92, 93, 94, 95]);
  assert.deepEqual([...result.kernel(1, 2, 3)], [115, 116, 117, 118, 119]);
});

test("a text is run once, one at a time, and again after an error", async () => {
  const ran = [];
  let active = 0;
  const data = { logits: 1, replaced_logits: 1, attentions: 1, conv_kernels: 1 };
  const session = {
    async run(feed) {
      assert.equal(active++, 0);
      await new Promise((done) => setTimeout(done, 1));
      active--;
      ran.push(Array.from(feed.input_ids.data, Number).join(" "));
      if (ran.length === 1) throw new Error("no memory");
      return Object.fromEntries(Object.keys(data).map((name) => [name, { data: new Float32Array(1) }]));
    },
  };
  const model = new Model(session, { L: 2, h: 2, k: 3, v: 1 });
  const first = model.run([1, 2]);
  const second = model.run([3]);
  await assert.rejects(first, /no memory/);
  assert.equal((await second).length, 1);
  assert.equal((await model.run([1, 2])).length, 2);
  assert.equal(await model.run([3]), await second);
  await model.run([3], ["a0.0"]);
  assert.deepEqual(ran, ["1 2", "3", "1 2", "3"]);
  for (const id of [4, 5, 6, 7]) await model.run([id]);
  await model.run([3]);
  assert.equal(ran.at(-1), "3");
});

test("a damaged file is found by its size and by its hash", async () => {
  const bytes = new TextEncoder().encode("a model");
  const sha256 = "12b52ef67f8fae56d42eb11bd2be6cc7a7a9d36ddc8b4ea2d4f4a1b6b5e3d4aa";
  const file = { name: "model.onnx", bytes: 7, sha256 };
  await assert.rejects(checkFile(bytes, { ...file, bytes: 8 }), { message: /model\.onnx is damaged: it has 7 bytes and should have 8/ });
  await assert.rejects(checkFile(bytes, file), (error) => error instanceof PageError && /SHA-256/.test(error.message));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  await checkFile(bytes, { ...file, sha256: Buffer.from(digest).toString("hex") });
});

test("the module that asks for SIMD is one", () => {
  // Node.js has SIMD since version 16.
  assert.equal(hasSimd(), true);
});
