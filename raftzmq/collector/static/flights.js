// Messages on their way, as dots on a canvas over the ring. Real ones take a millisecond; here they take longer.

const FLIGHT_MS = 650;
const DOTS_MAX = 150;
const LOST_MS = 3000;
const KINDS = { sent: true, heartbeat_sent: true, received: false, heartbeat_received: false };

export class Flights {
  constructor(canvas, ring) {
    this._canvas = canvas;
    this._ring = ring;
    this._flying = new Map();
    this._arrived = new Map();
    this._still = matchMedia("(prefers-reduced-motion: reduce)");
    this._seen = this._shown = 0;
    this._wanted = false;
  }

  /** Show messages, or none. */
  want(wanted) {
    this._wanted = wanted;
    if (!wanted) this._flying.clear();
  }

  /** The types of single messages that it needs. */
  get types() {
    return this._wanted ? Object.keys(KINDS) : [];
  }

  /** Of how many messages one is shown. */
  get oneOf() {
    return this._shown ? Math.max(1, Math.round(this._seen / this._shown)) : 1;
  }

  /** The dots as they are: tests, and the curious. */
  get flying() {
    return [...this._flying.values()];
  }

  /** A batch of events: sendings begin a flight, receipts with the same `mid` say that it will end well. */
  take(events, now) {
    if (!this._wanted) return;
    if (this._seen > 2000) this._seen = this._shown = 0;
    for (const [, event] of events) {
      const departs = KINDS[event.type];
      if (departs === undefined || typeof event.mid !== "string") continue;
      if (!departs) {
        const flight = this._flying.get(event.mid);
        if (flight) flight.arrived = true;
        else this._arrived.set(event.mid, now);
        continue;
      }
      this._seen += 1;
      if (this._flying.size >= DOTS_MAX) continue;
      this._shown += 1;
      this._flying.set(event.mid, {
        from: event.node,
        to: event.peer,
        since: now,
        kind: this._kindOf(event),
        arrived: this._arrived.delete(event.mid),
      });
    }
    for (const [mid, at] of this._arrived) if (now - at > LOST_MS || this._arrived.size > 1000) this._arrived.delete(mid);
  }

  _kindOf(event) {
    if (event.type === "heartbeat_sent") return "beat";
    return /Vote/.test(event.message) ? "vote" : /Response/.test(event.message) ? "answer" : "entries";
  }

  /** Draw what flies at `now`; say whether there is anything. */
  draw(now) {
    const canvas = this._canvas;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(this._ring.width * ratio), Math.round(this._ring.height * ratio)];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, this._ring.width, this._ring.height);
    const style = getComputedStyle(canvas);
    for (const [mid, flight] of this._flying) {
      const part = (now - flight.since) / FLIGHT_MS;
      const known = this._ring.placeOf(flight.from) && this._ring.placeOf(flight.to);
      if (!known || (part >= 1 && flight.arrived) || now - flight.since > LOST_MS) this._flying.delete(mid);
      else if (!this._still.matches || part < 1) this._dot(pen, style, flight, part);
    }
    return this._flying.size > 0;
  }

  /** A dot; one that isn't received stays before its goal, and fades. */
  _dot(pen, style, flight, part) {
    const along = this._still.matches ? 0.5 : Math.min(part, flight.arrived ? 1 : 0.8);
    const at = this._ring.wayOf(flight.from, flight.to, along);
    const lost = !flight.arrived && part > 1;
    pen.globalAlpha = lost ? Math.max(0, 1 - (part - 1) / 3) : flight.kind === "beat" ? 0.85 : 1;
    pen.fillStyle = pen.strokeStyle = style.getPropertyValue(`--dot-${flight.kind}`);
    pen.lineWidth = 2;
    pen.beginPath();
    if (lost) {
      pen.moveTo(at.x - 4, at.y - 4);
      pen.lineTo(at.x + 4, at.y + 4);
      pen.moveTo(at.x + 4, at.y - 4);
      pen.lineTo(at.x - 4, at.y + 4);
      pen.stroke();
    } else if (flight.kind === "vote") {
      pen.rect(at.x - 4.5, at.y - 4.5, 9, 9);
      pen.fill();
    } else {
      pen.arc(at.x, at.y, flight.kind === "beat" ? 3.4 : 5, 0, 2 * Math.PI);
      if (flight.kind === "answer") pen.stroke();
      else pen.fill();
    }
    pen.globalAlpha = 1;
  }
}
