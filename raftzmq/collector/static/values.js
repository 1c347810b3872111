// What may stand in the state: the same bounds as in the collector's own fold, so that both add up to the same.

export const TEXT_MAX = 256;
export const ITEMS_MAX = 1000;

/** Raised for an event that isn't well made; the fold counts it. */
export class Malformed extends Error {}

/** An object without a prototype: a node may be called "__proto__", or "constructor". */
export function bare(entries = []) {
  const found = Object.create(null);
  for (const [name, value] of entries) found[name] = value;
  return found;
}

/** The member `name` of a JSON object; raises Malformed if there is none. */
export function get(object, name) {
  if (object === null || typeof object !== "object" || !Object.hasOwn(object, name)) throw new Malformed(name);
  return object[name];
}

/** A whole number from 0 that every reader keeps exactly. */
export function count(value) {
  if (!Number.isSafeInteger(value) || value < 0) throw new Malformed(String(value));
  return value;
}

/** The same below 0 too. */
export function whole(value) {
  if (!Number.isSafeInteger(value)) throw new Malformed(String(value));
  return value;
}

/** A probability in millionths: the state has no fractions. */
export function ppm(value) {
  if (typeof value !== "number" || !(value >= 0 && value <= 1)) throw new Malformed(String(value));
  return Math.floor(value * 1e6 + 0.5);
}

export function countOrNull(value) {
  return value === null ? null : count(value);
}

/** A text, of which TEXT_MAX characters are kept: code points, as Python counts them, not the halves of JavaScript. */
export function text(value) {
  if (typeof value !== "string") throw new Malformed(String(value));
  if (value.length <= TEXT_MAX) return value;
  const characters = Array.from(value);
  return characters.length <= TEXT_MAX ? value : characters.slice(0, TEXT_MAX).join("");
}

export function textOrNull(value) {
  return value === null ? null : text(value);
}

export function flag(value) {
  if (typeof value !== "boolean") throw new Malformed(String(value));
  return value;
}

/** A number, text, flag or null. */
export function scalar(value) {
  if (value === null || typeof value === "boolean") return value;
  return typeof value === "string" ? text(value) : whole(value);
}

export function names(value) {
  if (!Array.isArray(value)) throw new Malformed("no list");
  return value.slice(0, ITEMS_MAX).map(text);
}

/** Is it a JSON object? */
export function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** Whole numbers by name. */
export function counts(value) {
  if (!isObject(value)) throw new Malformed("no object");
  return bare(
    Object.entries(value)
      .slice(0, ITEMS_MAX)
      .map(([name, number]) => [text(name), count(number)]),
  );
}
