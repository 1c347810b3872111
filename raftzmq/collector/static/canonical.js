// One text for one value: JSON with sorted keys and no blanks, which is what the state's hash is taken of.

/** Sorted by code points, as UTF-8 sorts; JavaScript's own order differs beyond U+FFFF. */
function byCodePoints(a, b) {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const xHalf = x >= 0xd800 && x <= 0xdfff;
    const yHalf = y >= 0xd800 && y <= 0xdfff;
    return xHalf === yHalf ? x - y : xHalf ? 1 : -1;
  }
  return a.length - b.length;
}

/** The canonical JSON of a JSON value. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value)
    .sort(byCodePoints)
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${members.join(",")}}`;
}
