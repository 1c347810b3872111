// The marks of events on the nodes' lines, told apart by their shapes as well as by colours.

const CORNERS = {
  diamond: [[0, -6.5], [6.5, 0], [0, 6.5], [-6.5, 0]],
  square: [[-5, -5], [5, -5], [5, 5], [-5, 5]],
  bar: [[-2, -8], [2, -8], [2, 8], [-2, 8]],
  block: [[-7, -4], [7, -4], [7, 4], [-7, 4]],
  arrival: [[-6, -5], [3, 0], [-6, 5]],
  departure: [[6, -5], [-3, 0], [6, 5]],
  hexagon: [[-9, 0], [-4.5, -8], [4.5, -8], [9, 0], [4.5, 8], [-4.5, 8]],
  rhomb: [[0, -9], [9, 0], [0, 9], [-9, 0]],
};

function corners(pen, points, { x, y }, flat) {
  pen.beginPath();
  points.forEach(([along, across], i) => {
    const [dx, dy] = flat ? [along, across] : [across, along];
    if (i) pen.lineTo(x + dx, y + dy);
    else pen.moveTo(x + dx, y + dy);
  });
  pen.closePath();
}

function cross(pen, { x, y }, r) {
  pen.beginPath();
  pen.moveTo(x - r, y - r);
  pen.lineTo(x + r, y + r);
  pen.moveTo(x + r, y - r);
  pen.lineTo(x - r, y + r);
  pen.stroke();
}

function circle(pen, { x, y }, r) {
  pen.beginPath();
  pen.arc(x, y, r, 0, 2 * Math.PI);
}

/** Draw the mark of that name at a point, in `colour`, on `ground`; `flat`: time goes to the right, not down. */
export function mark(pen, name, at, colour, ground, flat) {
  pen.fillStyle = pen.strokeStyle = colour;
  pen.lineWidth = 2;
  if (name === "cross") {
    pen.lineWidth = 3;
    cross(pen, at, 6);
  } else if (name === "dot") {
    circle(pen, at, 4.5);
    pen.fill();
  } else if (name === "ring" || name === "no" || name === "ballot" || name === "question" || name === "follower") {
    circle(pen, at, name === "question" ? 7 : 6);
    pen.fillStyle = name === "ballot" || name === "follower" ? colour : ground;
    pen.fill();
    pen.stroke();
    if (name === "no") cross(pen, at, 3);
    if (name === "question") {
      circle(pen, at, 2.5);
      pen.fillStyle = colour;
      pen.fill();
    }
  } else {
    corners(pen, CORNERS[name], at, flat);
    pen.fill();
    pen.strokeStyle = ground;
    pen.lineWidth = 1;
    pen.stroke();
  }
}

/** A line from `a` to `b` with a head; returns nothing. `dash`: as for setLineDash. */
export function arrow(pen, a, b, colour, width, dash) {
  const angle = Math.atan2(b.y - a.y, b.x - a.x);
  const size = 5 + width;
  pen.strokeStyle = pen.fillStyle = colour;
  pen.lineWidth = width;
  if (dash) pen.setLineDash(dash);
  pen.beginPath();
  pen.moveTo(a.x, a.y);
  pen.lineTo(b.x - Math.cos(angle) * size, b.y - Math.sin(angle) * size);
  pen.stroke();
  if (dash) pen.setLineDash([]);
  pen.beginPath();
  pen.moveTo(b.x, b.y);
  for (const turn of [-0.42, 0.42]) pen.lineTo(b.x - Math.cos(angle + turn) * size * 1.5, b.y - Math.sin(angle + turn) * size * 1.5);
  pen.closePath();
  pen.fill();
}

/** A line that ends on its way, in a cross; returns where. */
export function lost(pen, a, b, colour, alarm) {
  const end = { x: a.x + (b.x - a.x) * 0.72, y: a.y + (b.y - a.y) * 0.72 };
  pen.strokeStyle = colour;
  pen.lineWidth = 1.6;
  pen.setLineDash([5, 3]);
  pen.beginPath();
  pen.moveTo(a.x, a.y);
  pen.lineTo(end.x, end.y);
  pen.stroke();
  pen.setLineDash([]);
  pen.strokeStyle = alarm;
  pen.lineWidth = 3;
  cross(pen, end, 5.5);
  return end;
}
