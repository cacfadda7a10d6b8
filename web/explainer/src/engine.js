/** The model: loading it into onnxruntime-web, running it, and reading what it gives back. */
import * as ort from "onnxruntime-web";

// Results of a long text have 15 MB.
const REMEMBERED = 4;

/** Something went wrong that the reader is told in these words. */
export class PageError extends Error {}

/**
 * A WebAssembly module with one function whose body is `i32.const 0, i8x16.splat, i8x16.popcnt`: two instructions of
 * the SIMD extension, without which onnxruntime-web does not start.
 */
const MODULE_WITH_SIMD = [
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, // "\0asm", version 1
  0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b, // one type: nothing -> v128
  0x03, 0x02, 0x01, 0x00, // one function, of that type
  0x0a, 0x0a, 0x01, 0x08, 0x00, 0x41, 0x00, 0xfd, 0x0f, 0xfd, 0x62, 0x0b, // its body
];

export function hasSimd() {
  return typeof WebAssembly === "object" && WebAssembly.validate(new Uint8Array(MODULE_WITH_SIMD));
}

/** Whether the bytes are those that facts.json describes; raises PageError where they are not. */
export async function checkFile(bytes, file) {
  const again = "Build the page again with python start.py explainer, and load it again.";
  if (bytes.byteLength !== file.bytes) {
    throw new PageError(
      `The model file ${file.name} is damaged: it has ${bytes.byteLength.toLocaleString("en")} bytes and should have ` +
        `${file.bytes.toLocaleString("en")}. ${again}`,
    );
  }
  // Pages from other machines than this one have no crypto.subtle without https.
  if (!globalThis.crypto?.subtle) return;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (hex !== file.sha256) {
    throw new PageError(`The model file ${file.name} is damaged: its SHA-256 is not the expected one. ${again}`);
  }
}

/**
 * Load a model.
 * @param bytes the ONNX file
 * @param runtime the bytes of onnxruntime's WebAssembly file
 * @param sizes facts.model
 */
export async function loadModel(bytes, runtime, sizes) {
  ort.env.wasm.wasmBinary = runtime;
  // More threads need headers that plain file servers do not send.
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  const session = await ort.InferenceSession.create(new Uint8Array(bytes), { executionProviders: ["wasm"] });
  return new Model(session, sizes);
}

export class Model {
  constructor(session, sizes) {
    this.session = session;
    this.sizes = sizes;
    this.running = Promise.resolve();
    this.known = new Map();
  }

  /**
   * Run the model on one text, unless its result is still known: an edit of one sentence leaves the other as it is.
   * @param ids its token ids
   * @param off names of heads that are switched off, such as "a2.3" and "c0.1"
   */
  run(ids, off = []) {
    const key = `${ids}|${[...off].sort()}`;
    if (this.known.has(key)) return this.known.get(key);
    // onnxruntime takes one run at a time.
    const result = this.running.then(() => this.runAlone(ids, off));
    this.running = result.catch(() => this.known.delete(key));
    this.known.set(key, result);
    // The first key is the oldest.
    if (this.known.size > REMEMBERED) this.known.delete(this.known.keys().next().value);
    return result;
  }

  async runAlone(ids, off) {
    const shape = [1, ids.length];
    const row = (numbers) => new ort.Tensor("int64", BigInt64Array.from(numbers, BigInt), shape);
    const { L, h } = this.sizes;
    const heads = (kind) => new ort.Tensor("float32", headFactors(kind, off, L, h), [L, h]);
    const output = await this.session.run({
      input_ids: row(ids),
      attention_mask: row(ids.map(() => 1)),
      token_type_ids: row(ids.map(() => 0)),
      attention_heads: heads("a"),
      convolution_heads: heads("c"),
    });
    return new Result(ids.length, output, this.sizes);
  }

  release() {
    return this.session.release();
  }
}

/** A number for each layer and head of one kind ("a" or "c"): 0 for those that are off, else 1. */
export function headFactors(kind, off, layers, heads) {
  const factors = new Float32Array(layers * heads).fill(1);
  for (const name of off) {
    if (name[0] !== kind) continue;
    const [layer, head] = name.slice(1).split(".").map(Number);
    factors[layer * heads + head] = 0;
  }
  return factors;
}

/** What one run gives, with a method for each part. All are views into the output, not copies. */
export class Result {
  constructor(length, output, sizes) {
    this.length = length;
    this.sizes = sizes;
    this.raw = {};
    for (const name of ["logits", "replaced_logits", "attentions", "conv_kernels"]) {
      this.raw[name] = output[name].data;
    }
  }

  /** The scores of all vocabulary entries at one position. [v] */
  scores(position) {
    const { v } = this.sizes;
    return this.raw.logits.subarray(position * v, (position + 1) * v);
  }

  /** For each token a score, above 0 for "this one was replaced". [n] */
  replaced() {
    return this.raw.replaced_logits;
  }

  /** One row of an attention map: how much the token at `position` attends to each other. [n] */
  attention(layer, head, position) {
    return this.line("attentions", this.length, layer, head, position);
  }

  /** The kernel of the token at `position`, over the k positions of its window. [k] */
  kernel(layer, head, position) {
    return this.line("conv_kernels", this.sizes.k, layer, head, position);
  }

  line(name, width, layer, head, position) {
    const start = ((layer * this.sizes.h + head) * this.length + position) * width;
    return this.raw[name].subarray(start, start + width);
  }
}
