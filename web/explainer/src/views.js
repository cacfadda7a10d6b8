/** The views: each takes what is to be shown and fills one part of the page. None of them knows the model. */
import { drawBars, drawMap, html } from "convbert-explainer/draw.js";
import { kernelOverSentence, largest, percent, sigmoid, softmax } from "convbert-explainer/numbers.js";

const TOP = 5;
// From this probability on a token has the full colour. In 150 held-out texts, convbert-mini gave 99% of the tokens
// that nobody had touched less than 0.33, and half of those that a random token had replaced more than 0.32.
const FULL_SUSPICION = 0.3;

export function byId(id) {
  return document.getElementById(id);
}

/** Fill a drop-down list; options are [value, words]. */
export function fillSelect(select, options, chosen) {
  select.replaceChildren(
    ...options.map(([value, words]) => html("option", { value, textContent: words, selected: String(value) === String(chosen) })),
  );
}

/** Say what is wrong, or nothing. */
export function showProblems(problems) {
  byId("problems").replaceChildren(...problems.map((problem) => html("p", { textContent: problem })));
}

/**
 * The tokens as buttons, one of which can be reached by Tab.
 * @param tokens [{token, shown, special, masked}]: `shown` is what the model reads, such as [MASK]
 */
export function showTokens(tokens, chosen) {
  byId("tokens").replaceChildren(
    ...tokens.map(({ token, shown, special, masked }, position) => {
      const button = html("button", { type: "button", className: "token", "data-position": position });
      button.classList.toggle("special", special);
      button.classList.toggle("masked", masked);
      button.append(html("bdi", { textContent: shown }), " ");
      if (masked) button.append(html("s", {}, html("bdi", { textContent: token })), " ");
      button.append(html("span", { className: "percent", textContent: "\u00a0" }));
      return button;
    }),
  );
  markToken(chosen);
}

/** Mark the chosen token, the one that Tab reaches. */
export function markToken(chosen) {
  for (const [position, button] of [...byId("tokens").children].entries()) {
    button.setAttribute("aria-pressed", position === chosen);
    button.tabIndex = position === chosen ? 0 : -1;
  }
}

/** Colour the tokens by how much each looks replaced; scores is null where no model has read them. */
export function showSuspicion(scores) {
  [...byId("tokens").children].forEach((button, position) => {
    const share = scores ? sigmoid(scores[position]) : 0;
    button.style.setProperty("--suspicion", Math.min(1, share / FULL_SUSPICION).toFixed(3));
    button.querySelector(".percent").textContent = scores ? percent(share) : "\u00a0";
    // Read out is what can be seen, and what it means.
    const words = [...button.querySelectorAll("bdi")].map((each) => each.textContent).join(" ");
    const suspicion = scores ? ` ${percent(share)} suspected` : "";
    button.setAttribute("aria-label", `${words}${suspicion}, token ${position}`);
  });
}

/** The labels of a kernel's window: null beyond the ends of the sentence. */
export function windowLabels(labels, position, width) {
  const reach = width >> 1;
  return Array.from({ length: width }, (_, j) => labels[position + j - reach] ?? null);
}

/** Attention row, kernel, and both as one picture, of one token. */
export function showToken(result, labels, { layer, head, token }) {
  const attention = result.attention(layer, head, token);
  const kernel = result.kernel(layer, head, token);
  const name = `“${labels[token]}” (layer ${layer}, head ${head})`;
  const titles = {
    attention: `What ${name} attends to`,
    kernel: `The kernel of ${name}`,
    mixed: `Both for ${name}`,
  };
  for (const [id, title] of Object.entries(titles)) byId(`${id}-title`).textContent = title;
  const up = { weights: attention, kind: "attention", name: "Attention" };
  byId("attention").replaceChildren(drawBars({ title: titles.attention, labels, up, chosen: token }));
  byId("kernel").replaceChildren(
    drawBars({
      title: titles.kernel,
      labels: windowLabels(labels, token, kernel.length),
      up: { weights: kernel, kind: "convolution", name: "Kernel" },
      chosen: kernel.length >> 1,
    }),
  );
  byId("mixed").replaceChildren(drawMixed(result, labels, { layer, head, token }, titles.mixed));
}

function drawMixed(result, labels, { layer, head, token }, title) {
  const kernel = kernelOverSentence(result.kernel(layer, head, token), token, result.length);
  return drawBars({
    title,
    labels,
    up: { weights: result.attention(layer, head, token), kind: "attention", name: "Attention, upwards" },
    down: { weights: kernel, kind: "convolution", name: "Kernel, downwards" },
    chosen: token,
  });
}

/** The attention map and the band of kernels of one layer and head. */
export function showMaps(result, labels, { layer, head, token }) {
  const positions = labels.map((_, position) => position);
  const kinds = {
    attention: positions.map((position) => [...result.attention(layer, head, position)]),
    convolution: positions.map((position) => [
      ...kernelOverSentence(result.kernel(layer, head, position), position, labels.length),
    ]),
  };
  // One scale for both, as in the lessons.
  const most = Math.max(...Object.values(kinds).flat(2));
  for (const [kind, rows] of Object.entries(kinds)) {
    const title = `${kind === "attention" ? "Attention" : "Convolution"} head ${head} of layer ${layer}`;
    byId(`map-${kind}-title`).textContent = title;
    byId(`map-${kind}`).replaceChildren(drawMap({ title, labels, rows, kind, chosen: token, most }));
  }
}

/**
 * What the model predicts at each masked token, with all heads on and, where some are off, without them.
 * @param masked [{position, token}]: `token` stood there
 * @param results [{name, result}]
 */
export function showPredictions(masked, results, vocabulary) {
  const place = byId("predictions");
  if (!masked.length) {
    place.replaceChildren(
      html("p", { textContent: "No token is masked. Choose a token above and mask it with the button or the key M." }),
    );
    return;
  }
  place.replaceChildren(
    ...masked.map(({ position, token }) => {
      const lists = results.map(({ name, result }) => predictionList(name, result.scores(position), vocabulary, token));
      const title = `Token ${position}, where “${token}” stood`;
      return html("section", {}, html("h3", { textContent: title }), html("div", { className: "panels" }, ...lists));
    }),
  );
}

function predictionList(name, scores, vocabulary, original) {
  const probabilities = softmax(scores);
  const rows = largest(probabilities, TOP).map(({ index, value }) => {
    const word = html("th", { scope: "row" }, html("bdi", { textContent: vocabulary[index] }));
    if (vocabulary[index] === original) word.append(" (stood there)");
    const bar = html("span", { className: "bar" });
    bar.style.width = `${(100 * value).toFixed(1)}%`;
    return html("tr", {}, word, html("td", { textContent: percent(value) }), html("td", { className: "bars" }, bar));
  });
  const caption = html("caption", { textContent: `Top five, ${name}` });
  return html("table", { className: "prediction" }, caption, html("tbody", {}, ...rows));
}

/** A grid of switches for each kind of heads: a row for each layer. */
export function showHeads(sizes, off) {
  const place = byId("heads");
  const kinds = { a: "Attention heads", c: "Convolution heads" };
  const focused = document.activeElement?.dataset?.head;
  place.replaceChildren(
    ...Object.entries(kinds).map(([kind, name]) => {
      const rows = Array.from({ length: sizes.L }, (_, layer) => {
        const cells = Array.from({ length: sizes.h }, (_, head) => {
          const id = `${kind}${layer}.${head}`;
          const isOn = !off.includes(id);
          const words = `${name.slice(0, -1)} ${head} of layer ${layer}`;
          const button = html("button", { type: "button", className: `head ${kind}`, textContent: head });
          button.dataset.head = id;
          button.title = `${words}: ${isOn ? "on" : "off"}`;
          button.setAttribute("aria-label", words);
          button.setAttribute("aria-pressed", isOn);
          return html("td", {}, button);
        });
        const row = html("button", { type: "button", className: "layer", textContent: `layer ${layer}` });
        row.dataset.head = `${kind}${layer}`;
        row.setAttribute("aria-label", `Switch all ${name.toLowerCase()} of layer ${layer}`);
        return html("tr", {}, html("td", {}, row), ...cells);
      });
      return html("table", { className: "switches" }, html("caption", { textContent: name }), html("tbody", {}, ...rows));
    }),
  );
  if (focused) place.querySelector(`[data-head="${focused}"]`)?.focus();
  byId("heads-off").textContent = off.length === 1 ? "1 head is off." : `${off.length || "No"} heads are off.`;
}

/**
 * One word in two sentences.
 * @param sides [{result, labels, token}]; empty, with `reason`, where there is nothing to compare
 */
export function showComparison(sides, { layer, head }, reason = "") {
  const figures = sides.map(({ result, labels, token }, index) => {
    const place = index === 0 ? "first" : "second";
    const title = `“${labels[token]}” in the ${place} sentence (layer ${layer}, head ${head})`;
    const kernel = result.kernel(layer, head, token);
    const bars = drawBars({
      title: `The kernel of ${title}`,
      labels: windowLabels(labels, token, kernel.length),
      up: { weights: kernel, kind: "convolution", name: "Kernel" },
      chosen: kernel.length >> 1,
    });
    const scroll = (picture, name) =>
      html("div", { className: "scroll", tabIndex: 0, role: "group", "aria-label": name }, picture);
    return html(
      "figure",
      {},
      html("figcaption", { textContent: title }),
      scroll(drawMixed(result, labels, { layer, head, token }, `Both for ${title}`), `Attention and kernel, ${place} sentence`),
      scroll(bars, `Kernel, ${place} sentence`),
    );
  });
  byId("compare").replaceChildren(
    ...(figures.length ? [html("div", { className: "panels" }, ...figures)] : [html("p", { textContent: reason })]),
  );
}
