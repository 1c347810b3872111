// The canvas over the ring: messages on their way, and election timers that run down. Real messages take less than a
// millisecond: live they take a readable time, and slowed down each takes its own, so many times longer.

import { Clock } from "./clock.js";
import { drawCount, drawCross, drawDot, drawTimer, drawTrail, paletteOf, sizeOf } from "./dots.js";
import { Film } from "./film.js";
import { DEPARTS, flightOf, wordsOf } from "./flight.js";
import { put, say } from "./svg.js";
import { Timers } from "./timers.js";

const FLIGHT_MS = 650;
const DOTS_MAX = 150;
const LOST_MS = 3000;
const ARRIVED_MAX = 1000;
const NEAR = 14;
const SPEEDS = [1, 0.1, 0.01, 0.001];
const STILL = 0.001;
const COMING = 400;
const FRAME_MS = 30;
const TRAIL = 8;

export class Flights {
  constructor(canvas, ring, page) {
    this._canvas = canvas;
    this._ring = ring;
    this._page = page;
    this.clock = new Clock(page);
    this.timers = new Timers();
    this.film = new Film();
    this._flying = new Map();
    this._arrived = new Map();
    this._still = matchMedia("(prefers-reduced-motion: reduce)");
    this._seen = this._shown = this._last = this._drawn = 0;
    this._slow = 1;
    this._wanted = false;
    this._painting = (now) => this._paint(now) && this.draw();
    this._build(canvas.parentElement);
    new ResizeObserver(([entry]) => (this._width = entry.contentRect.width)).observe(canvas);
  }

  /** Show messages, or none. */
  want(wanted) {
    this._wanted = wanted;
    if (!wanted) this._forget();
    this._bar.hidden = !wanted;
  }

  /** The types of single messages that it needs: all, or those by which election timers begin anew. */
  get types() {
    return this._wanted ? Object.keys(DEPARTS) : document.hidden ? [] : ["heartbeat_received"];
  }

  /** Of how many messages one is shown. */
  get oneOf() {
    return this._shown && !this.slowed ? Math.max(1, Math.round(this._seen / this._shown)) : 1;
  }

  /** The dots as they are: tests, and the curious. */
  get flying() {
    return this.slowed ? [...this.film.flying] : [...this._flying.values()];
  }

  /** How much slower than the stream messages are shown; in a replay its own speed says so; paused, they stand. */
  get speed() {
    const { live, playing, speed } = this._page.player;
    return live ? this._slow : playing ? speed : STILL;
  }

  get slowed() {
    return this.speed < 0.5;
  }

  /** Slow messages down, from 1 to 1/1000; in a replay everything. */
  slow(speed) {
    const { player } = this._page;
    if (!player.live) return player.play(speed);
    this._slow = speed;
    this.film.clear();
    this._flying.clear();
    this._page.changed();
  }

  /** Another moment; `events` led there. */
  begin(state, events) {
    this._forget();
    this.clock.begin();
    this.timers.begin(events);
    this.clock.take(events);
    for (const [, event] of events) if (this._wanted) this._take(event, performance.now(), false);
    this._foresee();
  }

  /** In a replay it is known when a message will be taken. */
  _foresee() {
    if (!this._wanted || !this.slowed || this._page.player.live) return;
    for (const [, event] of this._page.player.coming(COMING)) if (DEPARTS[event.type] === false) this.film.received(event.mid, event.ts * 1000);
  }

  /** A batch of events: sendings begin a flight, receipts with the same `mid` say that it will end well. */
  take(events, now) {
    this.clock.take(events);
    this.timers.take(events);
    if (!this._wanted) return;
    if (this._seen > 2000) this._seen = this._shown = 0;
    for (const [, event] of events) this._take(event, now, true);
    this._foresee();
    for (const [mid, at] of this._arrived) if (now - at > LOST_MS || this._arrived.size > ARRIVED_MAX) this._arrived.delete(mid);
  }

  _take(event, now, fresh) {
    const departs = DEPARTS[event.type];
    if (departs === undefined || typeof event.mid !== "string") return;
    if (!departs) {
      this.film.received(event.mid, event.ts * 1000);
      const flight = this._flying.get(event.mid);
      if (flight) {
        flight.arrived = true;
        flight.received_ms = event.ts * 1000;
      } else if (fresh) this._arrived.set(event.mid, now);
      return;
    }
    if (this.slowed) return this.film.sent(flightOf(event, now));
    if (!fresh) return;
    this._seen += 1;
    if (this._flying.size >= DOTS_MAX) return;
    this._shown += 1;
    const flight = flightOf(event, now);
    flight.arrived = this._arrived.delete(event.mid);
    this._flying.set(event.mid, flight);
  }

  _forget() {
    this._flying.clear();
    this._arrived.clear();
    this.film.clear();
  }

  /** Something may have to be drawn; what moves goes on by itself, without the rest of the page. */
  draw() {
    this._page.frames.pace(this._painting);
  }

  /** Draw what flies at `now`; says whether anything moves by itself. */
  _paint(now) {
    const passed = Math.min(now - this._last, 200);
    this._last = now;
    const time_ms = this.clock.now(now);
    if (this._wanted && this.slowed) {
      if (this._page.player.live) this.film.run(passed, this._slow, time_ms);
      else this.film.show(time_ms, this.speed);
    }
    if (now - this._drawn < FRAME_MS && !this.flying.length) return true;
    this._drawn = now;
    const pen = this._pen();
    const palette = this._palette();
    const timed = this._drawTimers(pen, palette, time_ms);
    if (this._wanted) this.slowed ? this._drawFilm(pen, palette) : this._drawDots(pen, palette, now);
    this._tell();
    return timed || this._flying.size > 0 || (this._wanted && this.slowed);
  }

  /** How much larger than drawn the ring is shown. */
  get _scale() {
    return this._ring.width && this._width ? this._width / this._ring.width : 1;
  }

  _pen() {
    const canvas = this._canvas;
    const ratio = (window.devicePixelRatio || 1) * this._scale;
    const [width, height] = [Math.round(this._ring.width * ratio), Math.round(this._ring.height * ratio)];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, this._ring.width, this._ring.height);
    return pen;
  }

  /** Colours are computed anew when the theme may have changed. */
  _palette() {
    const key = `${document.documentElement.dataset.theme} ${matchMedia("(prefers-color-scheme: dark)").matches}`;
    if (key !== this._paletteKey) {
      this._paletteKey = key;
      this._colours = paletteOf(this._canvas);
    }
    return this._colours;
  }

  _drawTimers(pen, palette, time_ms) {
    let runs = false;
    for (const name of this._ring.names) {
      const node = this._page.player.state.all.nodes[name];
      if (!node || !this.timers.has(name) || node.role === "leader" || this._page.player.state.condition(node) !== "up") continue;
      const left = this._still.matches && this.timers.leftOf(name, time_ms)?.exact !== true ? null : this.timers.leftOf(name, time_ms);
      drawTimer(pen, palette, this._ring.placeOf(name), this._ring.radius + 8, left, /candidate/.test(node.role ?? ""));
      runs ||= left !== null;
    }
    return runs && this.clock.speed > 0;
  }

  _knows(flight) {
    return this._ring.placeOf(flight.from) !== undefined && this._ring.placeOf(flight.to) !== undefined;
  }

  /** Live: every dot takes the same readable time; one that isn't received stays before its goal, and fades. */
  _drawDots(pen, palette, now) {
    for (const [mid, flight] of this._flying) {
      const part = (now - flight.since) / FLIGHT_MS;
      flight.lost = !flight.arrived && part > 1.5;
      const over = now - flight.since > LOST_MS;
      if (!this._knows(flight) || (part >= 1 && flight.arrived) || over) this._flying.delete(mid);
      else if (!this._still.matches || part < 1) {
        const along = this._still.matches ? 0.5 : Math.min(part, flight.arrived ? 1 : 0.8);
        this._drawAt(pen, palette, flight, along, flight.lost ? Math.max(0, 1 - (part - 1.5) / 3.1) : 1);
      }
    }
  }

  /** Slowed down: where each truly was, and for a moment the way that it came. */
  _drawFilm(pen, palette) {
    let count = 0;
    for (const flight of this.film.flying) {
      if (!this._knows(flight) || ++count > 2 * DOTS_MAX) continue;
      const fading = flight.part >= 1 ? 1 - Math.min(1, flight.over_ms / (350 * this.speed)) : 1;
      const points = Array.from({ length: TRAIL + 1 }, (_, i) => this._ring.wayOf(flight.from, flight.to, (flight.part * i) / TRAIL));
      drawTrail(pen, palette, flight.kind, points, 0.45 * fading);
      this._drawAt(pen, palette, flight, flight.part, fading);
    }
  }

  _drawAt(pen, palette, flight, along, alpha) {
    const at = this._ring.wayOf(flight.from, flight.to, along);
    flight.at = at;
    pen.globalAlpha = alpha;
    if (flight.lost) drawCross(pen, palette, at.x, at.y);
    else {
      const r = sizeOf(flight);
      drawDot(pen, palette, flight.kind, at.x, at.y, r);
      drawCount(pen, palette, flight, at.x, at.y, r);
    }
    pen.globalAlpha = 1;
  }

  _build(stage) {
    this._bar = put(stage, "div", "flight-bar");
    this._bar.id = "flight-bar";
    const label = put(this._bar, "label");
    this._label = put(label, "span");
    this._choice = put(label, "select");
    this._choice.id = "dilation";
    for (const speed of SPEEDS) put(this._choice, "option").value = String(speed);
    this._choice.onchange = () => this.slow(Number(this._choice.value));
    this._notice = put(this._bar, "span", "notice");
    this._notice.id = "film-notice";
    this._told = put(stage, "div", "flight-told");
    this._told.id = "flight-told";
    this._told.hidden = true;
    stage.addEventListener("pointermove", (event) => this._point(event));
    stage.addEventListener("pointerleave", () => (this._pointer = null));
  }

  /** Words that stand still. */
  say(texts) {
    say(this._label, texts.ring.time);
    this._choice.title = texts.ring.timeTitle;
    for (const option of this._choice.options) say(option, texts.ring.speeds[option.value]);
    this._paletteKey = "";
    this._texts = texts;
  }

  _point(event) {
    const box = this._canvas.getBoundingClientRect();
    const scale = this._scale;
    this._pointer = { x: (event.clientX - box.left) / scale, y: (event.clientY - box.top) / scale };
    this.draw();
  }

  /** The notice of the slow motion, and what the message under the pointer says. */
  _tell() {
    if (!this._wanted || !this._texts) {
      this._told.hidden = true;
      return;
    }
    const words = this._texts.ring;
    const { live, playing } = this._page.player;
    const { film } = this;
    this._choice.parentElement.hidden = !live; // in the past time itself has a speed
    if (this._choice.value !== String(this._slow)) this._choice.value = String(this._slow);
    const past = playing ? words.replayed : words.stands;
    say(this._notice, !this.slowed ? "" : !live ? past : film.busy ? words.slow(film.behind_ms, film.skipped) : words.waits);
    const near = this._pointer ? this.flying.filter((flight) => flight.at && Math.hypot(flight.at.x - this._pointer.x, flight.at.y - this._pointer.y) < NEAR) : [];
    this._told.hidden = near.length === 0;
    if (!near.length) return;
    say(this._told, near.slice(0, 4).map((flight) => wordsOf(flight, this._texts)).join("\n"));
    const left = Math.min(this._pointer.x + 14, Math.max(0, this._ring.width - 270));
    this._told.style.transform = `translate(${left * this._scale}px, ${(this._pointer.y + 16) * this._scale}px)`;
  }
}
