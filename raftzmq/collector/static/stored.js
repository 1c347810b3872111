// Stored keys and values as text for people: bytes that are no text, and letters that would hide or turn others, are
// spelled out, so that no value looks like something that it isn't.

import { put } from "./svg.js";

// What has no glyph of its own (controls, formats such as turns of direction, unassigned), and odd blanks.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;
const SHORT = { "\n": "\\n", "\t": "\\t", "\r": "\\r" };
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A hidden letter as it is spelled: `\n`, `\x1b`, `\u202e`. */
function spelled(letter) {
  if (SHORT[letter]) return SHORT[letter];
  const code = letter.codePointAt(0);
  const hex = code.toString(16);
  if (code < 0x80) return `\\x${hex.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\u{${hex}}`;
}

/** The bytes of `{b64}`. */
export function bytesOf({ b64 }) {
  return Uint8Array.from(atob(b64), (letter) => letter.charCodeAt(0));
}

/** Letters of bytes that are no text as a whole: [text, spelled out?] each. */
function* lettersOfBytes(bytes) {
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at];
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    let letter = null;
    try {
      letter = utf8.decode(bytes.subarray(at, at + length));
    } catch {
      letter = null; // no letter begins here: the byte stands for itself
    }
    if (letter === null || !letter) {
      yield [`\\x${lead.toString(16).padStart(2, "0")}`, true];
      at += 1;
    } else {
      yield HIDDEN.test(letter) ? [spelled(letter), true] : [letter, false];
      at += length;
    }
  }
}

function* lettersOfText(text) {
  for (const letter of text) yield HIDDEN.test(letter) ? [spelled(letter), true] : [letter, false];
}

/** What the collector says of a key or value (text, or `{b64}`), letter by letter: [text, spelled out?]. */
export function lettersOf(said) {
  return [...(typeof said === "string" ? lettersOfText(said) : lettersOfBytes(bytesOf(said)))];
}

/** The same as one text. */
export function plain(said) {
  if (typeof said === "string" && !HIDDEN.test(said)) return said;
  return lettersOf(said)
    .map(([text]) => text)
    .join("");
}

/** Put letters into an element, those that are spelled out in elements of the class `spelled`. */
export function putLetters(element, letters) {
  let run = "";
  let odd = false;
  const end = () => {
    if (run) put(element, "span", odd ? "spelled" : "", run);
    run = "";
  };
  for (const [text, isSpelled] of letters) {
    if (isSpelled !== odd) end();
    odd = isSpelled;
    run += text;
  }
  end();
}

/** Fill an element with a key or value, `most` letters of it. */
export function putStored(element, said, most = Infinity) {
  element.replaceChildren();
  if (typeof said === "string" && said.length <= most && !HIDDEN.test(said)) element.textContent = said;
  else putLetters(element, lettersOf(typeof said === "string" ? said.slice(0, 2 * most) : said).slice(0, most));
}

/** Is it the same key? */
export const idOf = (said) => (typeof said === "string" ? `t${said}` : `b${said.b64}`);

/** The parameters of a query for a key or prefix under `name`. */
export function queryOf(name, said) {
  return typeof said === "string" ? [name, said] : [`${name}_b64`, said.b64];
}

/** Text as it is posted: one with many letters that JSON spells out would be too long, so it goes as bytes. */
export function posted(text) {
  if (text.length < 65536) return text;
  const bytes = new TextEncoder().encode(text);
  let binary = "";
  for (let at = 0; at < bytes.length; at += 32768) binary += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return { b64: btoa(binary) };
}

/** What is new in `now` against `before`, both as letters: how many are the same at the beginning, and at the end. */
export function changeOf(before, now) {
  const least = Math.min(before.length, now.length);
  let head = 0;
  while (head < least && before[head][0] === now[head][0]) head += 1;
  let tail = 0;
  while (tail < least - head && before.at(-1 - tail)[0] === now.at(-1 - tail)[0]) tail += 1;
  return { head, tail };
}
