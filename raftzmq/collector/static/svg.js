// Elements, made and filled as text only: what a node, key or value is called is never read as markup.

const SVG = "http://www.w3.org/2000/svg";

/** An SVG element with attributes, in `parent`. */
export function draw(parent, name, attributes = {}) {
  const found = document.createElementNS(SVG, name);
  place(found, attributes);
  parent.append(found);
  return found;
}

/** Set attributes, those that changed. */
export function place(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
  }
}

/** Set the text, if it changed: the browser need not lay out what stays. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** An HTML element with a class and a text, in `parent`. */
export function put(parent, name, kind = "", text = "") {
  const found = document.createElement(name);
  if (kind) found.className = kind;
  found.textContent = text;
  parent.append(found);
  return found;
}
