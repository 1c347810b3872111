// Drawing on the canvas over the ring: messages by shape and colour, and the arcs of election timers.

import { KINDS } from "./flight.js";

const COLOURS = { entries: "entries", answer: "answer", beat: "beat", vote: "vote", ballot: "vote", snapshot: "entries", other: "answer" };

/** The colours as the style sheet says them now. */
export function paletteOf(element) {
  const style = getComputedStyle(element);
  const of = (name) => style.getPropertyValue(name).trim();
  return {
    ...Object.fromEntries(KINDS.map((kind) => [kind, of(`--dot-${COLOURS[kind]}`)])),
    lost: of("--alarm"),
    panel: of("--panel"),
    ink: of("--ink"),
    timer: of("--follower"),
    candidate: of("--candidate"),
    track: of("--line"),
  };
}

/** Corners around a place. */
function path(pen, x, y, corners) {
  corners.forEach(([dx, dy], i) => (i ? pen.lineTo(x + dx, y + dy) : pen.moveTo(x + dx, y + dy)));
  pen.closePath();
}

/** A message of a kind at a place; `r` is its size. Requests are full, answers hollow. */
export function drawDot(pen, palette, kind, x, y, r) {
  pen.fillStyle = pen.strokeStyle = palette[kind];
  pen.lineWidth = 2.2;
  pen.beginPath();
  if (kind === "vote" || kind === "ballot") pen.rect(x - r, y - r, 2 * r, 2 * r);
  else if (kind === "snapshot") path(pen, x, y, [[0, -1.5 * r], [1.5 * r, 0], [0, 1.5 * r], [-1.5 * r, 0]]);
  else if (kind === "other") path(pen, x, y, [[0, -1.3 * r], [1.2 * r, r], [-1.2 * r, r]]);
  else pen.arc(x, y, kind === "beat" ? r * 0.65 : r, 0, 2 * Math.PI);
  if (kind === "answer" || kind === "ballot") {
    pen.save();
    pen.fillStyle = palette.panel;
    pen.fill();
    pen.restore();
    pen.stroke();
  } else pen.fill();
}

/** Where a message was lost. */
export function drawCross(pen, palette, x, y) {
  pen.strokeStyle = palette.lost;
  pen.lineWidth = 2.5;
  pen.beginPath();
  pen.moveTo(x - 5, y - 5);
  pen.lineTo(x + 5, y + 5);
  pen.moveTo(x + 5, y - 5);
  pen.lineTo(x - 5, y + 5);
  pen.stroke();
}

/** How large a message is: one with many entries is larger, and says how many. */
export const sizeOf = (flight) => (flight.count > 1 ? Math.min(11, 6 + Math.log2(flight.count)) : 5);

/** The number of its entries. */
export function drawCount(pen, palette, flight, x, y, r) {
  if (flight.count < 2) return;
  pen.fillStyle = palette.ink;
  pen.font = "600 11px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "bottom";
  pen.strokeStyle = palette.panel;
  pen.lineWidth = 3;
  pen.strokeText(String(flight.count), x, y - r - 1);
  pen.fillText(String(flight.count), x, y - r - 1);
}

/** The way that a message has gone, fading. */
export function drawTrail(pen, palette, kind, points, alpha) {
  pen.globalAlpha = alpha;
  pen.strokeStyle = palette[kind];
  pen.lineWidth = kind === "beat" ? 1.2 : 2;
  pen.beginPath();
  points.forEach(({ x, y }, i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.stroke();
  pen.globalAlpha = 1;
}

/** The rest of an election timer around a node: whole turn, dashed where its length isn't told yet. */
export function drawTimer(pen, palette, at, r, left, asks) {
  pen.lineWidth = 3.5;
  pen.lineCap = "round";
  pen.strokeStyle = palette.track;
  pen.beginPath();
  pen.arc(at.x, at.y, r, 0, 2 * Math.PI);
  pen.stroke();
  pen.strokeStyle = asks ? palette.candidate : palette.timer;
  pen.globalAlpha = left?.exact ? 0.9 : 0.6;
  if (!left?.exact) {
    pen.lineCap = "butt";
    pen.setLineDash([3, 4]);
  }
  pen.beginPath();
  if (left !== null) pen.arc(at.x, at.y, r, -Math.PI / 2, -Math.PI / 2 + 2 * Math.PI * Math.max(0.015, left.part));
  if (left !== null) pen.stroke();
  pen.setLineDash([]);
  pen.globalAlpha = 1;
}
