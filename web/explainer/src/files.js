/** Files of the page: fetched from its folder, or taken out of the page itself where it is a single file. */
import { PageError } from "convbert-explainer/engine.js";

/** The bytes of a file; raises PageError, saying which, where it is not there. */
export async function readFile(name) {
  const embedded = document.querySelector(`script[data-file="${name}"]`);
  if (embedded) return unpack(embedded.textContent);
  let response;
  try {
    response = await fetch(name);
  } catch {
    throw new PageError(`The file ${name} cannot be read: there is no answer from where this page came from.`);
  }
  if (!response.ok) {
    throw new PageError(
      `The file ${name} is not there (${response.status}). Build the page again with python start.py explainer.`,
    );
  }
  return response.arrayBuffer();
}

export async function readJson(name) {
  const text = new TextDecoder().decode(await readFile(name));
  try {
    return JSON.parse(text);
  } catch {
    throw new PageError(`The file ${name} is damaged: it is not JSON. Build the page again.`);
  }
}

/** The bytes behind a base64 text of gzip. */
async function unpack(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

/** Whether everything is in this one file. */
export function isSingleFile() {
  return document.querySelector("script[data-file]") !== null;
}
