/** From text to tokens, by the library @huggingface/tokenizers with the tables of the model's own tokenizer. */
import { Tokenizer } from "@huggingface/tokenizers";

// A character that no vocabulary holds and that both tokenizers keep inside a word.
const UNKNOWN_LETTER = "\u0378";

export class TextReader {
  /**
   * @param definition the contents of tokenizer.json
   * @param config the contents of tokenizer_config.json
   * @param facts the contents of facts.json: how long a text may be, the mask token, tables of characters
   */
  constructor(definition, config, facts) {
    this.tokenizer = new Tokenizer(definition, config);
    this.longest = facts.longest;
    this.letters = facts.letters;
    this.maskId = definition.model.vocab[facts.mask];
    this.unknownId = definition.model.vocab[definition.model.unk_token];
    this.vocabulary = [];
    for (const [token, id] of Object.entries(definition.model.vocab)) this.vocabulary[id] = token;
    this.special = new Set(definition.added_tokens.map((token) => token.content));
  }

  /**
   * The tokens of a text, [CLS] and [SEP] included: {ids, tokens, whole, unknown}.
   * whole: how many tokens the text has; there are fewer in `ids` where it is too long for the page
   */
  read(text) {
    const { ids, tokens } = this.tokenizer.encode(this.evened(text));
    const whole = ids.length;
    if (whole > this.longest) {
      // The last token, [SEP], stays.
      ids.splice(this.longest - 1, whole - this.longest);
      tokens.splice(this.longest - 1, whole - this.longest);
    }
    return { ids, tokens, whole, unknown: ids.filter((id) => id === this.unknownId).length };
  }

  /**
   * The text with those characters replaced that library and model treat differently.
   *
   * The library takes marks and punctuation from the browser's Unicode, the model's tokenizer from an older one, and
   * only the latter splits Chinese characters above U+FFFF. A capital sigma at the end of a word becomes another
   * letter in JavaScript than in the model's tokenizer.
   */
  evened(text) {
    let evened = "";
    for (const letter of text.toWellFormed().replaceAll("Σ", "σ")) {
      if (letter < "\u0080") {
        evened += letter;
        continue;
      }
      const here = treatedHere(letter);
      const model = this.treatedByModel(letter);
      if (here === model) evened += letter;
      else if (model === "split") evened += ` ${here === "kept" ? letter : UNKNOWN_LETTER} `;
      else if (model === "kept") evened += UNKNOWN_LETTER;
    }
    return evened;
  }

  treatedByModel(letter) {
    const code = letter.codePointAt(0);
    if (isIn(this.letters.dropped, code)) return "dropped";
    return isIn(this.letters.split, code) ? "split" : "kept";
  }
}

/** What the library does with a character beyond ASCII inside a word: "kept", "dropped", or "split". */
function treatedHere(letter) {
  const code = letter.codePointAt(0);
  if (code === 0xfffd || /[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/u.test(letter)) return "dropped";
  if (/[\s\p{P}]/u.test(letter)) return "split";
  // Chinese characters; of those above U+FFFF the library looks at halves, so that it splits none of them.
  if ((code >= 0x3400 && code <= 0x4dbf) || (code >= 0x4e00 && code <= 0x9fff)) return "split";
  if (code >= 0xf900 && code <= 0xfaff) return "split";
  return letter.normalize("NFD").replace(/\p{Mn}/gu, "") === "" ? "dropped" : "kept";
}

/** Whether a sorted list of ranges [[first, last], ...] holds a number. */
function isIn(ranges, number) {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (number < ranges[middle][0]) high = middle - 1;
    else if (number > ranges[middle][1]) low = middle + 1;
    else return true;
  }
  return false;
}

/** The position of a token after an edit: its place in the unchanged beginning or end of the text; else null. */
export function carry(position, before, after) {
  let same = 0;
  while (same < Math.min(before.length, after.length) && before[same] === after[same]) same++;
  if (position < same) return position;
  const fromEnd = before.length - position;
  for (let back = 1; back <= fromEnd; back++) {
    if (after.length - back < same || before.at(-back) !== after.at(-back)) return null;
  }
  return after.length - fromEnd;
}
