/**
 * The state of the page in its address, so that a view can be kept and sent:
 * #text=...&other=...&layer=2&head=0&token=5&mask=4,6&off=a2.3,c0.1&weights=int8
 */

/** What the page shows where the address says nothing. */
export function defaultState() {
  return {
    text: "The fisherman sat on the bank of the river.",
    other: "She carried the money to the bank before noon.",
    layer: 0,
    head: 0,
    token: 6,
    masked: [],
    off: [],
    weights: "float16",
  };
}

/**
 * Read the part of an address after "#".
 * @returns {{state, problems: string[]}} problems say in words what was wrong; a default stands in its place
 */
export function parseAddress(hash, sizes) {
  const state = defaultState();
  const problems = [];
  const parameters = new URLSearchParams(hash.replace(/^#/, ""));
  if (parameters.has("text")) {
    state.text = parameters.get("text");
    state.token = 0;
  }
  if (parameters.has("other")) state.other = parameters.get("other");

  const counts = { layer: sizes.L, head: sizes.h };
  for (const [name, count] of Object.entries(counts)) {
    if (!parameters.has(name)) continue;
    const number = wholeNumber(parameters.get(name));
    if (number !== null && number < count) state[name] = number;
    else {
      problems.push(
        `The address asks for ${name} ${parameters.get(name)}, but the model has ${name}s 0 to ${count - 1}. ` +
          `The page shows ${name} ${state[name]}.`,
      );
    }
  }
  // Which tokens there are is known only when the text has been read.
  if (parameters.has("token")) state.token = wholeNumber(parameters.get("token")) ?? 0;
  if (parameters.has("mask")) {
    state.masked = list(parameters.get("mask")).map(wholeNumber).filter((number) => number !== null);
  }
  if (parameters.has("off")) {
    for (const name of list(parameters.get("off"))) {
      if (isHead(name, sizes)) state.off.push(name);
      else {
        problems.push(
          `The address switches off the head "${name}", which the model does not have. A head is written ` +
            `a2.3 (attention, layer 2, head 3) or c2.3 (convolution).`,
        );
      }
    }
  }
  if (parameters.has("weights")) {
    const weights = parameters.get("weights");
    if (["float16", "int8"].includes(weights)) state.weights = weights;
    else problems.push(`The address asks for weights "${weights}"; there are float16 and int8.`);
  }
  return { state, problems };
}

/** The address of a state; what is as by default is left out. */
export function formatAddress(state) {
  const before = defaultState();
  const parameters = new URLSearchParams();
  if (state.text !== before.text) parameters.set("text", state.text);
  if (state.other !== before.other) parameters.set("other", state.other);
  for (const name of ["layer", "head", "token", "weights"]) {
    if (state[name] !== before[name] || (name === "token" && parameters.has("text"))) {
      parameters.set(name, state[name]);
    }
  }
  if (state.masked.length) parameters.set("mask", state.masked.join(","));
  if (state.off.length) parameters.set("off", state.off.join(","));
  return `#${parameters}`;
}

/** Whether "a2.3" or "c0.1" names a head of the model. */
function isHead(name, sizes) {
  const found = /^[ac](\d+)\.(\d+)$/.exec(name);
  return found !== null && Number(found[1]) < sizes.L && Number(found[2]) < sizes.h;
}

function list(text) {
  return text.split(",").filter((word) => word !== "");
}

/** The number that a text writes, if it is 0, 1, 2, ...; else null. */
function wholeNumber(text) {
  return /^\d{1,4}$/.test(text) ? Number(text) : null;
}
