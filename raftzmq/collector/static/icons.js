// Small pictures for buttons, drawn in the colour of the text.

import { draw } from "./svg.js";

const PATHS = {
  play: "M7 4.5v15l12-7.5z",
  pause: "M6.5 5h3.6v14H6.5zM13.9 5h3.6v14h-3.6z",
  forward: "M6 5.5v13l9-6.5zM16 5.5h2.6v13H16z",
  back: "M18 5.5v13L9 12zM5.4 5.5H8v13H5.4z",
  next: "M3.5 6v12l7.5-6zM11 6v12l7.5-6zM18.6 6h2.2v12h-2.2z",
  previous: "M20.5 6v12L13 12zM13 6v12l-7.5-6zM3.2 6h2.2v12H3.2z",
  mark: "M6.5 3.5h11v17l-5.5-4.2-5.5 4.2z",
  link: "M10 13.6a4 4 0 0 0 5.9.4l3.2-3.2a4 4 0 0 0-5.7-5.7l-1.7 1.7M14 10.4a4 4 0 0 0-5.9-.4l-3.2 3.2a4 4 0 0 0 5.7 5.7l1.7-1.7",
  open: "M3.5 18.5v-13h6l2 2.5h9v3M3.5 18.5l3-7.5h15l-3 7.5z",
  save: "M12 3.5v11M7.5 10.5l4.5 4.5 4.5-4.5M4.5 19.5h15",
  wider: "M4 12h16M4 12l4-4M4 12l4 4M20 12l-4-4M20 12l-4 4",
  closer: "M3 12h7M10 12 6.5 8.5M10 12l-3.5 3.5M21 12h-7M14 12l3.5-3.5M14 12l3.5 3.5",
};
const LINES = new Set(["link", "open", "save", "wider", "closer"]);

/** The picture of that name as a new element in `parent`, in place of what is there. */
export function icon(parent, name) {
  if (parent.dataset.icon === name) return;
  parent.dataset.icon = name;
  parent.querySelector("svg")?.remove();
  const picture = draw(parent, "svg", { viewBox: "0 0 24 24", "aria-hidden": "true", class: LINES.has(name) ? "icon lines" : "icon" });
  draw(picture, "path", { d: PATHS[name] });
  parent.prepend(picture);
}
