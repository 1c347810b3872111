// Shapes as SVG paths around the origin: a node's role is told by them also without colours.

/** Corners of a regular shape. */
function polygon(corners, radius, turn) {
  const points = Array.from({ length: corners }, (_, i) => {
    const angle = turn + (i * 2 * Math.PI) / corners;
    return `${(radius * Math.cos(angle)).toFixed(2)},${(radius * Math.sin(angle)).toFixed(2)}`;
  });
  return `M${points.join("L")}Z`;
}

const circle = (r) => `M${-r},0a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0Z`;

/** The outline of a role or condition for a node of radius `r`. */
export function shapeOf(kind, r) {
  if (kind === "leader") return polygon(6, r * 1.22, Math.PI / 6);
  if (kind === "candidate" || kind === "pre-candidate") return polygon(4, r * 1.25, 0);
  if (kind === "learner") return polygon(4, r * 1.2, Math.PI / 4);
  return circle(r);
}

/** A cross over a node that is down. */
export const crossOf = (r) => `M${-r * 0.72},${-r * 0.72}L${r * 0.72},${r * 0.72}M${-r * 0.72},${r * 0.72}L${r * 0.72},${-r * 0.72}`;
