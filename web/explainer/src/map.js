/** The map of the whole model from the lessons, with the numbers of this model and this text on its arrows. */
import { svg } from "convbert-explainer/draw.js";

// The lessons draw it upwards, SVG downwards.
const HEIGHT = 260;
// The views that explain the parts: a part is a link to its view.
const VIEWS = {
  tokens: "#view-tokens",
  embeddings: "#view-tokens",
  self_attention: "#view-token",
  convolution: "#view-token",
  mixed_attention: "#view-token",
  head: "#view-prediction",
};

/** "[B, n, d]" with the values of the letters: "[1, 12, 384]"; "2a" is twice a. */
export function withNumbers(shape, values) {
  return shape.replace(/\b(2?)([Bndahkv])\b/g, (_, twice, letter) => (twice ? 2 : 1) * values[letter]);
}

/**
 * @param map facts.map: the boxes and arrows of show_model_map
 * @param values the numbers for the letters B, n, d, a, h, k, v and L
 */
export function drawModelMap(map, values) {
  const picture = svg("svg", { class: "model-map", viewBox: "0 0 700 260", role: "group", "aria-label": map.words });
  const parts = Object.entries(map.parts).sort(([, a], [, b]) => b.box[3] - a.box[3]);
  for (const [name, part] of parts) {
    const isFrame = part.box[3] > 150;
    const group = VIEWS[name] ? svg("a", { href: VIEWS[name] }) : svg("g");
    group.append(box(part.box, `part ${part.colour}`));
    if (isFrame) {
      const [left, bottom, , height] = part.box;
      const words = name === "encoder" ? `encoder: ${values.L} layers` : part.words;
      group.append(svg("text", { x: left + 8, y: HEIGHT - bottom - height + 17, class: "frame" }, words));
    } else group.append(...label(withNumbers(part.words, values), part.box));
    picture.append(group);
  }
  for (const detail of map.details) {
    picture.append(box(detail.box, "part embedding"), ...label(withNumbers(detail.words, values), detail.box));
  }
  for (const corners of map.arrows) picture.append(...arrow(corners));
  for (const { shape, place } of map.shapes) {
    const lines = withNumbers(shape, values).split("\n");
    picture.append(...writeLines(lines, place[0], HEIGHT - place[1], "shape"));
  }
  return picture;
}

function box([left, bottom, width, height], kind) {
  return svg("rect", { class: kind, x: left, y: HEIGHT - bottom - height, width, height, rx: 5 });
}

function label(words, [left, bottom, width, height]) {
  const [x, y] = [left + width / 2, HEIGHT - bottom - height / 2];
  if (height > 2 * width) return [svg("text", { transform: `translate(${x + 3} ${y}) rotate(-90)` }, words)];
  return writeLines(words.split("\n"), x, y);
}

function writeLines(lines, x, y, kind = "") {
  return lines.map((line, index) =>
    svg("text", { class: kind, x, y: y + 3 + (index - (lines.length - 1) / 2) * 11 }, line.replace("W_O", "Wₒ")),
  );
}

function arrow(corners) {
  const points = corners.map(([x, y]) => [x, HEIGHT - y]);
  const [[x1, y1], [x2, y2]] = points.slice(-2);
  const length = Math.hypot(x2 - x1, y2 - y1);
  const [along, across] = [(x2 - x1) / length, (y2 - y1) / length];
  const wing = (side) => [x2 - 7 * along - side * 3 * across, y2 - 7 * across + side * 3 * along];
  return [
    svg("polyline", { class: "arrow", points: points.map((point) => point.join(",")).join(" ") }),
    svg("polygon", { class: "head", points: [[x2, y2], wing(1), wing(-1)].join(" ") }),
  ];
}
