/** Pictures as SVG: bars over tokens, and a map of weights. Each carries a description in words. */
import { largest, percent } from "convbert-explainer/numbers.js";

const NAMESPACE = "http://www.w3.org/2000/svg";
// More labels than this beside a map would lie on each other.
const MOST_LABELS = 40;
const LABEL_HEIGHT = 84;

/** A new SVG element with attributes and children (elements or text). */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A new HTML element with properties and children. */
export function html(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** The tokens with the largest weights in words: "'river' 43%, 'bank' 20%, 'of' 8%". */
export function inWords(weights, labels) {
  return largest(weights, 3)
    .map(({ index, value }) => `'${labels[index]}' ${percent(value)}`)
    .join(", ");
}

/**
 * Bars over labels; with two rows of weights the second hangs down from the same line.
 *
 * @param title what the picture shows, the beginning of its description
 * @param labels one for each bar; null where no token stands, beyond the ends of the sentence
 * @param up {weights, kind, name}: kind "attention" or "convolution" is the colour; down: the same or undefined
 * @param chosen the index that is marked
 */
export function drawBars({ title, labels, up, down, chosen }) {
  const width = labels.length > 40 ? 20 : 30;
  const tall = down ? 74 : 110;
  const top = Math.max(0.05, ...up.weights, ...(down?.weights ?? []));
  const hanging = down ? (Math.max(...down.weights) / top) * (tall - 12) + 14 : 0;
  const bottom = tall + hanging;
  const names = labels.map((label) => label ?? "(outside)");
  let words = `${title}. ${up.name}: ${inWords(up.weights, names)}.`;
  if (down) words += ` ${down.name}: ${inWords(down.weights, names)}.`;
  const picture = svg("svg", {
    class: "bars",
    role: "img",
    "aria-label": words,
    width: labels.length * width + 8,
    height: bottom + LABEL_HEIGHT + 18,
    viewBox: `-4 -14 ${labels.length * width + 8} ${bottom + LABEL_HEIGHT + 18}`,
  });
  picture.append(
    svg("rect", { class: "chosen", x: chosen * width, y: -14, width, height: bottom + LABEL_HEIGHT + 18 }),
  );
  const bar = (row, index, downwards) => {
    const weight = row.weights[index];
    const height = (weight / top) * (tall - 12);
    const x = index * width;
    picture.append(
      svg("rect", {
        class: `${row.kind}${labels[index] === null ? " outside" : ""}`,
        x: x + 3,
        y: downwards ? tall : tall - height,
        width: width - 6,
        height,
      }),
    );
    if (weight < 0.1 * top || width < 30) return;
    const y = downwards ? tall + height + 9 : tall - height - 3;
    picture.append(svg("text", { class: "weight", x: x + width / 2, y }, percent(weight)));
  };
  labels.forEach((label, index) => {
    bar(up, index, false);
    if (down) bar(down, index, true);
    const place = `translate(${index * width + width / 2 + 4} ${bottom + 6}) rotate(-90)`;
    picture.append(
      svg("text", { class: `label${label === null ? " outside" : ""}`, transform: place }, shorten(names[index])),
    );
  });
  picture.append(svg("line", { class: "axis", x1: 0, x2: labels.length * width, y1: tall, y2: tall }));
  return picture;
}

/**
 * A square of weights: a row for each token that looks, a column for each that is looked at; darker is more.
 *
 * @param rows n rows of n weights
 * @param most the weight that gets the full colour
 */
export function drawMap({ title, labels, rows, kind, chosen, most }) {
  const count = labels.length;
  const cell = Math.max(4, Math.min(20, Math.floor(360 / count)));
  const left = count <= MOST_LABELS ? 84 : 4;
  const side = cell * count;
  const words =
    `${title}. Rows look, columns are looked at. ` +
    `The row of '${labels[chosen]}': ${inWords(rows[chosen], labels)}.`;
  const below = left > 4 ? LABEL_HEIGHT : 4;
  const picture = svg("svg", {
    class: "weights",
    role: "img",
    "aria-label": words,
    width: left + side + 4,
    height: side + below + 4,
    viewBox: `${-left} -2 ${left + side + 4} ${side + below + 4}`,
  });
  picture.append(svg("rect", { class: "ground", x: 0, y: 0, width: side, height: side }));
  rows.forEach((row, y) => {
    row.forEach((weight, x) => {
      // What cannot be seen is not drawn: a map of 128 tokens has 16,384 cells.
      if (weight < 0.02 * most) return;
      const opacity = Math.min(1, weight / most).toFixed(2);
      const place = { x: x * cell, y: y * cell, width: cell, height: cell };
      picture.append(svg("rect", { class: kind, ...place, "fill-opacity": opacity }));
    });
  });
  picture.append(svg("rect", { class: "row", x: -1, y: chosen * cell - 1, width: side + 2, height: cell + 2 }));
  if (left > 4) {
    labels.forEach((label, index) => {
      const middle = index * cell + cell / 2 + 4;
      picture.append(svg("text", { class: "label", x: -6, y: middle }, shorten(label)));
      const place = `translate(${middle} ${side + 6}) rotate(-90)`;
      picture.append(svg("text", { class: "label", transform: place }, shorten(label)));
    });
  }
  return picture;
}

/** A token that fits beside a picture. The marks around it keep right-to-left letters from moving what follows. */
function shorten(label) {
  const letters = [...label];
  return `\u2068${letters.length > 11 ? `${letters.slice(0, 10).join("")}…` : label}\u2069`;
}
