// Numbers as people read them.

const number = new Intl.NumberFormat("en");

/** A value as text: a number with its thousands apart. */
export const show = (value) => (typeof value === "number" ? number.format(value) : String(value ?? "?"));
