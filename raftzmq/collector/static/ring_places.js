// Where everything on the ring stands: as much as has room is said, and nothing lies over anything else. No elements here.

export const LINE = 15;
/** Nodes whose centres are further to a side than this part of the ring have their words beside them, outside of it. */
const ASIDE = 0.3;
const EDGE = 4;
const GAP = 4;
/** So many lines may stand below each node: more would leave nothing of the ring. */
const BELOW = 2;
/** Inside of the ring are the links: words stand there only if nodes are so much larger for it, in pixels. */
const INWARD = 6;
/** Neighbours are so far apart, in parts of their radius. */
const APART = 3.1;
/** No wider, and no higher, than this many times the other: else it is no ring. */
const WIDEST = 1.6;
const HIGHEST = 1.3;
/** How far above the middle a lone node stands. */
const ALONE = 100;
/** What the term takes around its place. */
export const TERM = { half: 34, top: -26, bottom: 24 };

/** How far a node reaches from its centre: its shape, and its election timer around it. */
export const reachOf = (radius) => Math.max(radius * 1.25, radius + 10);

/**
 * Lay out `names`: the first of `levels` that has room, each { lines, wide, inner, least, most }: how many lines of
 * words a node has, how wide they are, how wide half of the ring must be at least (inside of it are the links and what
 * is said of them), and between which radii a node's shape is. The last one is taken in any case.
 *
 * Comes to { level, radius, nodes, term, taken }: for each name { x, y, side } where side is one of left, right, above
 * and below, the place of the term, and the boxes { left, right, top, bottom } that are taken by all of it.
 */
export function arrange(names, width, height, levels) {
  for (const [level, style] of levels.entries()) {
    const [outside, below] = [true, false].map((side) => largest(names, width, height, style, side));
    const found = outside === null || below?.radius > outside.radius + INWARD ? below : outside;
    if (found !== null) return { level, ...found };
  }
  const last = levels.at(-1);
  return { level: levels.length - 1, ...built(names, width, height, last, last.least, true) };
}

function largest(names, width, height, style, outside) {
  if (!outside && style.lines > BELOW) return null;
  for (let radius = style.most; radius >= style.least; radius -= 1) {
    const found = built(names, width, height, style, radius, outside);
    if (found.ring >= style.inner && fits(found, width, height)) return found;
  }
  return null;
}

/** The place of everything for a radius; `outside`: words stand outside of the ring, else below each node. */
function built(names, width, height, style, radius, outside) {
  const reach = reachOf(radius);
  const high = style.lines ? GAP + style.lines * LINE : 0;
  const angles = names.map((_, i) => -Math.PI / 2 + (i * 2 * Math.PI) / Math.max(1, names.length));
  const sides = angles.map((angle) => sideOf(angle, outside));
  const room = { left: reach, right: reach, above: reach + high, below: reach + high };
  // How far the ring and what is around it reaches up, down and to a side, for a ring of radius 1 and apart from it.
  const top = sides[0] === "above" ? room.above : reach;
  const low = Math.max(...angles.map(Math.sin), 0);
  const foot = Math.max(reach, ...sides.map((side) => (side === "below" ? room.below : (style.lines * LINE) / 2)));
  const aside = Math.max(0.01, ...angles.map((angle) => Math.abs(Math.cos(angle))));
  const beside = outside ? reach + GAP + style.wide : Math.max(reach, style.wide / 2);
  const space = height - 2 * EDGE - top - foot;
  let tall = Math.max(1, Math.min(space / (1 + low), names.length > 1 ? Infinity : ALONE));
  const ring = Math.max(1, Math.min((width / 2 - EDGE - beside) / aside, tall * WIDEST));
  tall = Math.min(tall, ring * HIGHEST);
  const centre = { x: width / 2, y: EDGE + top + tall + Math.max(0, space - tall * (1 + low)) / 2 };
  const nodes = names.map((name, i) => ({
    name,
    x: centre.x + ring * Math.cos(angles[i]),
    y: centre.y + tall * Math.sin(angles[i]),
    side: sides[i],
  }));
  // Below what stands under the node at the top.
  const under = sides[0] === "above" ? 0 : -tall + reach + high - TERM.top + GAP;
  const term = { x: centre.x, y: centre.y + Math.max(0, under) };
  return { radius, ring, nodes, term, ...boxesOf(nodes, term, style, reach) };
}

function sideOf(angle, outside) {
  if (!outside) return "below";
  const [across, down] = [Math.cos(angle), Math.sin(angle)];
  if (Math.abs(across) > ASIDE) return across > 0 ? "right" : "left";
  return down < 0 ? "above" : "below";
}

/** The first line of the words of a node, from its centre: { x, y }, if there are so many lines of them. */
export function wordsAt(side, radius, lines) {
  const reach = reachOf(radius);
  if (side === "below") return { x: 0, y: reach + GAP + 0.7 * LINE };
  if (side === "above") return { x: 0, y: -reach - GAP - (lines - 1) * LINE };
  const y = (0.8 - lines / 2) * LINE;
  return side === "right" ? { x: reach + GAP, y } : { x: -reach - GAP, y };
}

function boxesOf(nodes, term, { lines, wide }, reach) {
  const box = (left, right, top, bottom) => ({ left, right, top, bottom });
  const discs = nodes.map(({ x, y }) => box(x - reach, x + reach, y - reach, y + reach));
  const high = lines * LINE;
  const words = nodes.map(({ x, y, side }) => {
    if (side === "left") return box(x - reach - GAP - wide, x - reach - GAP, y - high / 2, y + high / 2);
    if (side === "right") return box(x + reach + GAP, x + reach + GAP + wide, y - high / 2, y + high / 2);
    const top = side === "above" ? y - reach - GAP - high : y + reach + GAP / 2;
    return box(x - wide / 2, x + wide / 2, top, top + high);
  });
  const middle = box(term.x - TERM.half, term.x + TERM.half, term.y + TERM.top, term.y + TERM.bottom);
  return { reach, discs, words: lines ? words : [], middle, taken: [...discs, ...(lines ? words : []), middle] };
}

/** Do two boxes lie over one another? */
export const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

function fits({ nodes, radius, reach, words, middle, taken }, width, height) {
  if (taken.some((box) => box.left < 0 || box.right > width || box.top < 0 || box.bottom > height)) return false;
  const crowded = (a, i) => nodes.some((b, k) => k > i && Math.hypot(a.x - b.x, a.y - b.y) < Math.max(2 * reach + 2, APART * radius));
  if (nodes.some(crowded) || nodes.some((node) => touches(node, reach, middle))) return false;
  return words.every(
    (box, i) =>
      !meet(box, middle) &&
      !words.some((other, k) => k > i && meet(box, other)) &&
      !nodes.some((node, k) => k !== i && touches(node, reach, box)),
  );
}

/** Does a disc touch a box? */
function touches({ x, y }, reach, box) {
  const across = Math.max(box.left - x, 0, x - box.right);
  const down = Math.max(box.top - y, 0, y - box.bottom);
  return Math.hypot(across, down) < reach;
}
