import assert from "node:assert/strict";
import { test } from "node:test";
import { TextReader, carry } from "convbert-explainer/text.js";

const SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
const WORDS = ["the", "bank", "river", "open", "##ing", ",", "σ"];

/** A small tokenizer of the kind that the package writes. */
function reader(letters = { dropped: [], split: [] }, longest = 128) {
  const vocab = Object.fromEntries([...SPECIAL, ...WORDS].map((token, id) => [token, id]));
  const special = (id, type) => ({ SpecialToken: { id, type_id: type } });
  const definition = {
    version: "1.0",
    added_tokens: SPECIAL.map((content, id) => ({ id, content, special: true, normalized: false })),
    normalizer: { type: "BertNormalizer", clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single: [special("[CLS]", 0), { Sequence: { id: "A", type_id: 0 } }, special("[SEP]", 0)],
      pair: [special("[CLS]", 0), { Sequence: { id: "A", type_id: 0 } }, special("[SEP]", 0)],
      special_tokens: { "[CLS]": { id: "[CLS]", ids: [2], tokens: ["[CLS]"] }, "[SEP]": { id: "[SEP]", ids: [3], tokens: ["[SEP]"] } },
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: { type: "WordPiece", unk_token: "[UNK]", continuing_subword_prefix: "##", max_input_chars_per_word: 100, vocab },
  };
  return new TextReader(definition, {}, { longest, mask: "[MASK]", letters });
}

test("a text becomes tokens and ids between [CLS] and [SEP]", () => {
  const { ids, tokens, whole, unknown } = reader().read("The opening, of the BANK [MASK]");
  assert.deepEqual(tokens, ["[CLS]", "the", "open", "##ing", ",", "[UNK]", "the", "bank", "[MASK]", "[SEP]"]);
  assert.deepEqual(ids, [2, 5, 8, 9, 10, 1, 5, 6, 4, 3]);
  assert.equal(whole, 10);
  assert.equal(unknown, 1);
  assert.equal(reader().maskId, 4);
});

test("a text that is too long is cut before its [SEP]", () => {
  const { ids, tokens, whole } = reader(undefined, 6).read("the river ".repeat(300));
  assert.deepEqual(tokens, ["[CLS]", "the", "river", "the", "river", "[SEP]"]);
  assert.equal(ids.length, 6);
  assert.equal(whole, 602);
});

test("characters are treated as the model's tokenizer treats them, not as the browser does", () => {
  // Browsers drop the accent; a tokenizer of an older Unicode keeps it, so that the word is unknown.
  assert.deepEqual(reader().read("ri\u0301ver").tokens, ["[CLS]", "[UNK]", "[SEP]"]);
  const accent = { dropped: [[0x300, 0x36f]], split: [] };
  assert.deepEqual(reader(accent).read("ri\u0301ver").tokens, ["[CLS]", "river", "[SEP]"]);
  // A Chinese character above U+FFFF splits a word where the table says so.
  assert.deepEqual(reader().read("the\u{20000}bank").tokens, ["[CLS]", "[UNK]", "[SEP]"]);
  const chinese = { dropped: [], split: [[0x20000, 0x2a6df]] };
  assert.deepEqual(reader(chinese).read("the\u{20000}bank").tokens, ["[CLS]", "the", "[UNK]", "bank", "[SEP]"]);
  // A sigma at the end of a word stays a sigma, and half a character is none.
  assert.deepEqual(reader().read("the Σ").tokens, ["[CLS]", "the", "σ", "[SEP]"]);
  const damaged = { dropped: [[0xfffd, 0xfffd]], split: [] };
  assert.deepEqual(reader(damaged).read("the\ud800 bank").tokens, ["[CLS]", "the", "bank", "[SEP]"]);
});

test("a chosen token is found again after an edit", () => {
  const before = ["[CLS]", "the", "bank", "of", "the", "river", "[SEP]"];
  const insertion = ["[CLS]", "the", "old", "bank", "of", "the", "river", "[SEP]"];
  assert.deepEqual(before.map((_, position) => carry(position, before, insertion)), [0, 1, 3, 4, 5, 6, 7]);
  const change = ["[CLS]", "the", "tin", "of", "the", "river", "[SEP]"];
  assert.deepEqual(before.map((_, position) => carry(position, before, change)), [0, 1, null, 3, 4, 5, 6]);
  assert.deepEqual(before.map((_, position) => carry(position, before, before)), [0, 1, 2, 3, 4, 5, 6]);
  assert.equal(carry(2, before, ["[CLS]", "[SEP]"]), null);
});
