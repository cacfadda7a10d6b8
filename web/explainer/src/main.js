/** The page: its state, what changes it, and what is computed and drawn anew then. */
import { defaultState, formatAddress, parseAddress } from "convbert-explainer/address.js";
import { PageError, checkFile, hasSimd, loadModel } from "convbert-explainer/engine.js";
import { isSingleFile, readFile, readJson } from "convbert-explainer/files.js";
import { drawModelMap } from "convbert-explainer/map.js";
import { TextReader, carry } from "convbert-explainer/text.js";
import * as views from "convbert-explainer/views.js";

const { byId } = views;
const EXAMPLES = [
  defaultState().text,
  "Mix the flour, the sugar and the senators in a bowl.",
  "It was one of the best [MASK] I have ever seen.",
  "The tin can is empty, but you can open it.",
  "Paris is the [MASK] of France.",
];
// After the last key, before the model runs.
const WAIT_MS = 80;

let facts, reader, model;
let state = defaultState();
// What was read and computed last: tokens, labels, and results by the ids and the heads that they belong to.
let tokens = [];
let ids = [];
let results = { on: null, off: null, other: null };
let other = { ids: [], labels: [] };
let problems = { address: [], text: [], model: [] };
let round = 0;

/** Load the page's files and show everything; what goes wrong is said, and the rest goes on. */
export async function start() {
  say("Loading the tokenizer …");
  try {
    facts = await readJson("facts.json");
    reader = new TextReader(
      await readJson("tokenizer/tokenizer.json"),
      await readJson("tokenizer/tokenizer_config.json"),
      facts,
    );
  } catch (error) {
    return fail("model", error);
  }
  readAddress();
  fillControls();
  listen();
  readText();
  await changeWeights();
}

// State -------------------------------------------------------------------------------------------------------

function readAddress() {
  const read = parseAddress(location.hash, facts.model);
  state = read.state;
  if (isSingleFile()) state.weights = "int8";
  problems.address = read.problems;
}

/** Note the state in the address, without a new entry in the history. */
function writeAddress() {
  clearTimeout(writeAddress.timer);
  // Browsers refuse more than a hundred changes in half a minute.
  writeAddress.timer = setTimeout(() => history.replaceState(null, "", formatAddress(state)), 400);
}

/** Cut the text into tokens, say what is remarkable about them, and show them. */
function readText() {
  const before = tokens.map((each) => each.token);
  const read = reader.read(state.text);
  problems.text = [];
  if (read.ids.length <= 2) {
    problems.text.push("There is no word in the sentence yet: type one. The pictures below show the text before.");
    showProblems();
    return false;
  }
  if (read.whole > read.ids.length) {
    problems.text.push(
      `This text has ${read.whole} tokens. The page reads the first ${read.ids.length - 1} and [SEP]: pictures of ` +
        `more could not be read. (The model itself takes ${facts.model.positions}.)`,
    );
  }
  if (read.unknown) {
    problems.text.push(
      `${read.unknown === 1 ? "One token is" : `${read.unknown} tokens are`} [UNK], unknown: for a word with a ` +
        "character that the vocabulary does not have, such as an emoji, the model sees nothing else.",
    );
  }
  if (before.length) {
    const carried = (position) => carry(position, before, read.tokens);
    state.token = carried(state.token) ?? 0;
    state.masked = state.masked.map(carried).filter((position) => position !== null);
  }
  const last = read.ids.length - 1;
  const beyond = state.masked.filter((position) => position < 1 || position >= last);
  if (beyond.length) {
    problems.address.push(`The address masks token ${beyond.join(", ")}, but only tokens 1 to ${last - 1} are words.`);
    state.masked = state.masked.filter((position) => !beyond.includes(position));
  }
  if (state.token > last) {
    problems.address.push(`The address asks for token ${state.token}, but there are only 0 to ${last}.`);
    state.token = 0;
  }
  ids = read.ids;
  tokens = read.tokens.map((token, position) => ({ token, special: position === 0 || position === last }));
  showTokens();
  return true;
}

/** The ids that the model reads: masked tokens are replaced. */
function maskedIds() {
  return ids.map((id, position) => (state.masked.includes(position) ? reader.maskId : id));
}

function labels() {
  return tokens.map(({ token }, position) => (state.masked.includes(position) ? facts.mask : token));
}

// Computing -----------------------------------------------------------------------------------------------------

/** Load the model with the chosen weights; without it, the tokens are still shown. */
async function changeWeights() {
  const file = facts.files[state.weights];
  say(`Loading the model (${Math.round(file.bytes / 1e6)} MB) …`);
  problems.model = [];
  try {
    if (!hasSimd()) {
      throw new PageError(
        "This browser has no WebAssembly SIMD, which the model needs to run. Browsers have it since 2021 (Chrome and " +
          "Edge 91, Firefox 89) or 2023 (Safari 16.4): try a newer one.",
      );
    }
    const [bytes, runtime] = await Promise.all([
      readFile(file.name),
      readFile("libraries/ort-wasm-simd-threaded.wasm"),
    ]);
    await checkFile(bytes, file);
    const loaded = await loadModel(bytes, runtime, facts.model);
    // Other weights were chosen meanwhile.
    if (facts.files[state.weights] !== file) return void loaded.release();
    await model?.release();
    model = loaded;
  } catch (error) {
    return fail("model", error);
  }
  await compute();
}

/** Run the model on what the state says, and show the results. */
async function compute() {
  writeAddress();
  showProblems();
  if (!model) return;
  const mine = ++round;
  const begin = performance.now();
  try {
    const read = maskedIds();
    const on = await model.run(read);
    const off = state.off.length ? await model.run(read, state.off) : null;
    const second = reader.read(state.other);
    const hasOther = second.ids.length > 2;
    const compared = hasOther ? await model.run(second.ids, state.off) : null;
    // Something newer is on its way.
    if (mine !== round) return;
    results = { on, off, other: compared };
    other = { ids: second.ids, labels: second.tokens };
  } catch (error) {
    return fail("model", error);
  }
  say(`${ids.length} tokens, computed in ${Math.round(performance.now() - begin)} ms on one thread.`);
  show();
  // For tests, and for benchmarks/explainer.py.
  document.body.dataset.computed = mine;
  performance.mark("computed");
}

/** What the views show: with heads switched off, the model without them. */
function shown() {
  return results.off ?? results.on;
}

// Showing -----------------------------------------------------------------------------------------------------

function show() {
  showTokens();
  views.showSuspicion(shown().replaced());
  showChosen();
  const masked = state.masked.map((position) => ({ position, token: tokens[position].token }));
  // Masks that were typed.
  ids.forEach((id, position) => {
    if (id === reader.maskId) masked.push({ position, token: facts.mask });
  });
  const lists = [{ name: "all heads on", result: results.on }];
  if (results.off) lists.push({ name: `${state.off.length} switched off`, result: results.off });
  views.showPredictions(masked, lists, reader.vocabulary);
  showShared();
  showMap();
}

function showTokens() {
  const focused = document.activeElement?.classList.contains("token");
  views.showTokens(
    tokens.map((each, position) => ({ ...each, shown: labels()[position], masked: state.masked.includes(position) })),
    state.token,
  );
  views.showSuspicion(results.on?.length === ids.length ? shown().replaced() : null);
  if (focused) byId("tokens").children[state.token].focus();
  showMaskButton();
}

function showMaskButton() {
  const { token, special } = tokens[state.token];
  const isMasked = state.masked.includes(state.token);
  byId("mask").textContent = isMasked ? `Unmask “${token}”` : `Mask “${token}”`;
  byId("mask").disabled = special;
  byId("unmask").disabled = !state.masked.length;
}

/** Everything that depends on the chosen token, layer and head; nothing is computed. */
function showChosen() {
  if (!results.on || results.on.length !== ids.length) return;
  views.showToken(shown(), labels(), state);
  if (byId("maps").open) views.showMaps(shown(), labels(), state);
  showComparison();
}

/** The list of words that stand in both sentences. */
function showShared() {
  const before = byId("shared").value;
  const isWord = (token) => /[\p{L}\p{N}]/u.test(token) && !reader.special.has(token);
  const shared = [...new Set(labels())].filter((token) => isWord(token) && other.labels.includes(token));
  // Long words say more than "the".
  shared.sort((a, b) => b.length - a.length);
  views.fillSelect(byId("shared"), shared.map((word) => [word, word]), shared.includes(before) ? before : shared[0]);
  showComparison();
}

function showComparison() {
  const word = byId("shared").value;
  if (!results.other) return views.showComparison([], state, "Type a second sentence that shares a word with the first.");
  if (!word) return views.showComparison([], state, "No word stands in both sentences.");
  const sides = [
    { result: shown(), labels: labels(), token: labels().indexOf(word) },
    { result: results.other, labels: other.labels, token: other.labels.indexOf(word) },
  ];
  if (sides.every((side) => side.token >= 0)) views.showComparison(sides, state);
}

function showMap() {
  const values = { B: 1, n: ids.length, ...facts.model };
  byId("map").replaceChildren(drawModelMap(facts.map, values));
  const written = {
    B: "sentence", n: "tokens", d: "hidden size", h: "heads of each kind", a: "width of a branch", k: "kernel size",
    v: "vocabulary size", L: "layers",
  };
  byId("letters").textContent = `${Object.entries(written)
    .map(([letter, words]) => `${letter} = ${values[letter].toLocaleString("en")} (${words})`)
    .join(", ")}.`;
}

function say(words) {
  byId("status").textContent = words;
}

function showProblems() {
  views.showProblems(Object.values(problems).flat());
}

/** Tell the reader about an error; what is shown stays. */
function fail(kind, error) {
  console.error(error);
  const words = error instanceof PageError ? error.message : `The model could not be run: ${error.message ?? error}`;
  problems[kind] = [words];
  say(model ? "Something went wrong; the pictures show what was computed before." : "There is no model to run.");
  showProblems();
}

// Controls ------------------------------------------------------------------------------------------------------

function fillControls() {
  const count = (length) => Array.from({ length }, (_, index) => [index, index]);
  byId("text").value = state.text;
  byId("other").value = state.other;
  views.fillSelect(byId("examples"), [["", "choose …"], ...EXAMPLES.map((text) => [text, text])], "");
  views.fillSelect(byId("layer"), count(facts.model.L), state.layer);
  views.fillSelect(byId("head"), count(facts.model.h), state.head);
  const bits = { float16: "16 bits", int8: "8 bits" };
  const kinds = Object.entries(facts.files).filter(([kind]) => !isSingleFile() || kind === "int8");
  const megabytes = (file) => `${(file.bytes / 1e6).toFixed(file.bytes < 1e6 ? 1 : 0)} MB`;
  views.fillSelect(
    byId("weights"),
    kinds.map(([kind, file]) => [kind, `${bits[kind]}, ${megabytes(file)}`]),
    state.weights,
  );
  views.showHeads(facts.model, state.off);
  for (const link of document.querySelectorAll("a.lesson")) {
    const lesson = facts.lessons[link.dataset.lesson];
    link.href = lesson.address;
    link.title = lesson.title;
  }
  byId("about").textContent =
    `The model is ${facts.model.name}: ${facts.model.parameters.toLocaleString("en")} parameters, ` +
    `${facts.model.L} layers, in each ${facts.model.h} attention heads and ${facts.model.h} convolution heads.`;
}

/** Choose a token without computing anything anew. */
function choose(position) {
  if (position === state.token || position < 0 || position >= ids.length) return;
  state.token = position;
  views.markToken(position);
  showMaskButton();
  showChosen();
  writeAddress();
}

function toggleMask(position) {
  if (tokens[position].special) return;
  state.masked = state.masked.includes(position)
    ? state.masked.filter((each) => each !== position)
    : [...state.masked, position].sort((a, b) => a - b);
  showTokens();
  compute();
}

/** Switch one head ("a2.3") or all of a layer ("a2"): these off, unless they are off already. */
function toggleHeads(name) {
  const all = name.includes(".")
    ? [name]
    : Array.from({ length: facts.model.h }, (_, head) => `${name}.${head}`);
  const areOff = all.every((each) => state.off.includes(each));
  state.off = state.off.filter((each) => !all.includes(each));
  if (!areOff) state.off.push(...all);
  views.showHeads(facts.model, state.off);
  compute();
}

function listen() {
  const timers = {};
  const later = (id, action) => {
    clearTimeout(timers[id]);
    timers[id] = setTimeout(action, WAIT_MS);
  };
  const edited = () => {
    problems.address = [];
    state.text = byId("text").value;
    if (readText()) compute();
  };
  byId("form").addEventListener("submit", (event) => event.preventDefault());
  byId("text").addEventListener("input", () => later("text", edited));
  byId("other").addEventListener("input", () => {
    state.other = byId("other").value;
    later("other", compute);
  });
  byId("examples").addEventListener("change", (event) => {
    if (!event.target.value) return;
    byId("text").value = event.target.value;
    event.target.value = "";
    edited();
  });
  byId("weights").addEventListener("change", (event) => {
    state.weights = event.target.value;
    changeWeights();
  });
  for (const name of ["layer", "head"]) {
    byId(name).addEventListener("change", (event) => {
      state[name] = Number(event.target.value);
      showChosen();
      writeAddress();
    });
  }
  byId("shared").addEventListener("change", showComparison);
  byId("maps").addEventListener("toggle", showChosen);
  byId("mask").addEventListener("click", () => toggleMask(state.token));
  byId("unmask").addEventListener("click", () => {
    state.masked = [];
    showTokens();
    compute();
  });
  byId("heads").addEventListener("click", (event) => {
    const name = event.target.dataset.head;
    if (name) toggleHeads(name);
  });
  byId("all-on").addEventListener("click", () => {
    state.off = [];
    views.showHeads(facts.model, state.off);
    compute();
  });
  listenToTokens();
  byId("map").addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link) return;
    // The address holds the state, so the page goes there itself.
    event.preventDefault();
    const view = document.querySelector(link.getAttribute("href"));
    view.scrollIntoView();
    view.querySelector("button, select")?.focus({ preventScroll: true });
  });
  window.addEventListener("hashchange", () => {
    const weights = state.weights;
    tokens = [];
    readAddress();
    fillControls();
    if (!readText()) return;
    if (state.weights === weights) compute();
    else changeWeights();
  });
}

/** Tokens are chosen by pointing, touching, or with the arrow keys; M masks. */
function listenToTokens() {
  const place = byId("tokens");
  const positionOf = (event) => {
    const button = event.target.closest("button");
    return button ? Number(button.dataset.position) : null;
  };
  place.addEventListener("pointerover", (event) => {
    const position = positionOf(event);
    if (position !== null && event.pointerType === "mouse") choose(position);
  });
  for (const kind of ["click", "focusin"]) {
    place.addEventListener(kind, (event) => {
      const position = positionOf(event);
      if (position !== null) choose(position);
    });
  }
  place.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const last = ids.length - 1;
    const steps = {
      ArrowRight: state.token + 1, ArrowDown: state.token + 1, ArrowLeft: state.token - 1, ArrowUp: state.token - 1,
      Home: 0, End: last,
    };
    if (event.key in steps) {
      event.preventDefault();
      choose(Math.min(last, Math.max(0, steps[event.key])));
      place.children[state.token].focus();
    } else if (event.key.toLowerCase() === "m") toggleMask(state.token);
  });
}

/** For tests and for the browser's console: read a text and run the model on it. */
export async function runText(text, { masked = [], off = [] } = {}) {
  const read = reader.read(text);
  const given = read.ids.map((id, position) => (masked.includes(position) ? reader.maskId : id));
  const result = await model.run(given, off);
  return { ids: given, tokens: read.tokens, result };
}

export function readTokens(text) {
  return reader.read(text);
}
