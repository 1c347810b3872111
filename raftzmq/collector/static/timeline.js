// The timeline at the foot of the page: where in time the page is, what happened around it, and the way elsewhere.

import { Bookmarks } from "./bookmarks.js";
import { MarkList } from "./mark_list.js";
import { Opening } from "./opening.js";
import { Outline } from "./outline.js";
import { LIVE, about, outline as fetchOutline } from "./recordings.js";
import { whatOf } from "./sentences.js";
import { Strip } from "./strip.js";
import { put, say } from "./svg.js";
import { TimeBar } from "./time_bar.js";
import { clock } from "./wall_clock.js";

const BUCKETS = 500;
/** Seconds that can be in sight; live it begins with the second, a recording with all of it. */
const SPANS = [10, 30, 120, 600, 3600, Infinity];
const LIVE_SPAN = 120;
const NEAR = 6;
const REFINE_MS = 250;
const AGAIN_MS = 120;
const POINTS_MIN = 150;
/** Between two pictures while it moves by itself: it moves by pixels. */
const LIVE_DRAW_MS = 90;
const PLAY_DRAW_MS = 50;

export class Timeline {
  constructor(root, page) {
    this._page = page;
    this.bookmarks = new Bookmarks();
    this.outline = new Outline();
    this._recording = null;
    this._span = LIVE_SPAN;
    this._from = 0;
    this._hover = this._picked = this._grip = null;
    this._drawnAt = 0;
    this._stale = true;
    const place = put(root, "div", "time-strip");
    const canvas = put(place, "canvas");
    Object.assign(canvas, { id: "strip", tabIndex: 0, role: "slider" });
    this._canvas = canvas;
    this._tip = put(place, "div", "time-tip");
    this._tip.hidden = true;
    this._strip = new Strip(canvas, () => this._again());
    this._opening = new Opening(page, (told) => this._opened(told));
    this._marks = new MarkList(page, this);
    this._bar = new TimeBar(root, page, this, this._opening, this._marks);
    this._point();
    queueMicrotask(() => {
      page.player.watch({
        changed: () => this._moved(),
        arrived: (events, anew) => this._arrived(events, anew),
        failed: (message) => page.toast(message, "bad"),
      });
      page.player.bookmarks = this.bookmarks;
    });
  }

  /** What the collector says of the recording that is shown; null until it has. */
  get told() {
    return this._told ?? null;
  }

  say(texts) {
    this._bar.say(texts);
    this._marks.say(texts);
    this._opening.say(texts);
    this._canvas.ariaLabel = texts.timeline.strip;
    this._stale = true;
  }

  begin() {
    this._moved();
  }

  /** The part of the line in sight. */
  get view() {
    const { length } = this.outline;
    if (this._span >= length) return { from: 0, to: Math.max(length, 1e-6) };
    const from = this._page.player.live ? length - this._span : Math.min(Math.max(0, this._from), length - this._span);
    return { from, to: from + this._span };
  }

  /** How many seconds are in sight: Infinity for all. */
  get span() {
    return this._span;
  }

  /** The positions in sight, or none if that is everything. */
  get part() {
    if (this._span >= this.outline.length) return {};
    const { from, to } = this.view;
    return { from: this.outline.positionAt(from), to: this.outline.positionAt(to) };
  }

  /** See more (`by` 1) or less (-1), around a place of the line. */
  zoom(by, around = this._at()) {
    const { length } = this.outline;
    const fitting = SPANS.filter((span) => span < length || span === Infinity);
    const now = fitting.findIndex((span) => span >= this._span);
    const next = fitting[Math.min(Math.max(0, (now < 0 ? fitting.length - 1 : now) + by), fitting.length - 1)];
    const { from, to } = this.view;
    const part = (around - from) / (to - from);
    this._span = next;
    this._from = around - part * Math.min(next, length);
    this._refineSoon();
    this._again();
  }

  draw({ now, texts, live }) {
    this._bar.draw(texts);
    const moved = this._drawn !== this._page.player.position || live !== this._drawnLive;
    const pause = live ? LIVE_DRAW_MS : this._page.player.playing ? PLAY_DRAW_MS : 0;
    if (!this._stale && (!moved || now - this._drawnAt < pause)) return false;
    this._follow();
    const { from, to } = this.view;
    const at = this._at();
    this._stale = false;
    [this._drawn, this._drawnLive, this._drawnAt] = [this._page.player.position, live, now];
    const flags = this.bookmarks.all(this._page.settings.language).map((one) => this.outline.xOf(one.position));
    const [hover, picked] = [this._hover, this._picked];
    this._strip.draw({ outline: this.outline, from, to, at, hover, picked, flags, live, term: (n) => `${texts.termWord} ${n}` });
    this._canvas.setAttribute("aria-valuemin", this.outline.first);
    this._canvas.setAttribute("aria-valuemax", this.outline.last);
    this._canvas.setAttribute("aria-valuenow", this._drawn);
    this._canvas.setAttribute("aria-valuetext", clock(this._page.player.now, texts.timeline.locale));
    return false;
  }

  /** The place of the moment. */
  _at() {
    const { player } = this._page;
    return player.live ? this.outline.length : this.outline.xOf(player.position + 1);
  }

  _again() {
    this._stale = true;
    this._page.changed();
  }

  /** Turn over where the moment leaves what is in sight. */
  _follow() {
    if (this._page.player.live || this._grip || this._span >= this.outline.length) return;
    const at = this._at();
    if (at < this._from) this._from = at - 0.75 * this._span;
    else if (at > this._from + this._span) this._from = at - 0.25 * this._span;
    else return;
    this._from = Math.min(Math.max(0, this._from), this.outline.length - this._span);
    this._refineSoon();
  }

  /** Another moment, or another recording, or it plays otherwise. */
  _moved() {
    const { player } = this._page;
    if (player.live && !this._wasLive) this._span = Math.min(this._span, LIVE_SPAN);
    this._wasLive = player.live;
    if (player.recording !== this._recording) this._load(player.recording);
    this._again();
  }

  _arrived(events, anew) {
    if (anew) this._bar.changed();
    if (this._recording === null && this._page.player.recording === LIVE) this._load(LIVE);
    if (this._recording !== LIVE) return;
    if (anew && this._loaded) this._load(LIVE);
    else this.outline.take(events, this._page.player.stream.state);
    this._stale ||= !this._page.player.live; // it grows beside who stands still, too
  }

  // --- what the collector knows ---

  async _load(recording) {
    if (recording !== this._recording) {
      this.outline = new Outline();
      this._span = recording === LIVE ? LIVE_SPAN : Infinity;
      this._told = null;
    }
    this._recording = recording;
    this._loaded = false;
    try {
      const told = await about(recording);
      if (recording !== this._recording) return;
      this._told = told;
      this.bookmarks.open(told);
      for (const note of told.notes) this._page.toast(note, "info");
      this._marks.changed();
      this._bar.changed();
      await this._fetch(recording);
    } catch (error) {
      if (recording === this._recording && recording !== LIVE) this._page.toast(error.message, "bad");
    }
  }

  /** The whole outline, again and again until the collector has looked through the recording. */
  async _fetch(recording) {
    const answer = await fetchOutline(recording, { buckets: BUCKETS });
    if (recording !== this._recording) return;
    const newer = this.outline.last > answer.last_position + 1 ? this.outline.last : 0;
    this.outline = new Outline(answer);
    if (newer && recording === LIVE) {
      const { history, state } = this._page.player.stream;
      this.outline.take(history.after(answer.last_position, Infinity), state);
    }
    this._loaded = true;
    this._refineSoon();
    this._again();
    if (!answer.complete) setTimeout(() => recording === this._recording && this._fetch(recording).catch(() => null), AGAIN_MS);
  }

  /** Where few points are in sight, ask for more. */
  _refineSoon() {
    clearTimeout(this._refining);
    this._refining = setTimeout(() => this._refine().catch(() => null), REFINE_MS);
  }

  async _refine() {
    const { outline, _recording: recording } = this;
    const { from, to } = this.view;
    if (!outline.complete || outline.pointsBetween(from, to) >= POINTS_MIN) return;
    const [low, high] = [outline.positionAt(from), outline.positionAt(to)];
    if (high - low < 2 || (this._refined?.[0] === low && this._refined[1] === high)) return;
    this._refined = [low, high];
    const answer = await fetchOutline(recording, { from: low, to: high, buckets: BUCKETS });
    if (outline !== this.outline) return;
    outline.refine(answer);
    this._again();
  }

  _opened(told) {
    this._page.player.goTo({ recording: told.id, position: told.first_position }).catch((error) => this._page.toast(error.message, "bad"));
    this._bar.changed();
  }

  // --- the pointer ---

  _point() {
    const canvas = this._canvas;
    const placeOf = (event) => {
      const { from, to } = this.view;
      const part = (event.clientX - canvas.getBoundingClientRect().left) / Math.max(1, this._strip.width);
      return from + Math.min(1, Math.max(0, part)) * (to - from);
    };
    canvas.onpointerdown = (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this._grip = { plays: this._page.player.playing, picks: event.shiftKey, from: this.view };
      this._from = this.view.from; // what is under the hand stays there
      if (this._grip.picks) this._picked = [placeOf(event), placeOf(event)];
      else this._drag(placeOf(event));
    };
    canvas.onpointermove = (event) => {
      this._hover = placeOf(event);
      if (this._grip?.picks) this._picked[1] = this._hover;
      else if (this._grip) this._drag(this._hover);
      this._tell(event);
      this._again();
    };
    canvas.onpointerup = (event) => this._release(placeOf(event));
    canvas.onpointercancel = () => (this._grip = this._picked = null);
    canvas.onpointerleave = () => {
      this._hover = null;
      this._tip.hidden = true;
      this._again();
    };
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) this._from = this.view.from + (event.deltaX / this._strip.width) * (this.view.to - this.view.from);
      else if (performance.now() - (this._wheeled ?? 0) > 150) {
        this._wheeled = performance.now();
        this.zoom(event.deltaY > 0 ? 1 : -1, placeOf(event));
      }
      this._refineSoon();
      this._again();
    }, { passive: false });
  }

  /** Pixels as seconds of the line. */
  _near() {
    const { from, to } = this.view;
    return (NEAR * (to - from)) / Math.max(1, this._strip.width);
  }

  _drag(place) {
    const { player } = this._page;
    if (player.playing) player.pause();
    const last = Math.max(this.outline.first, this.outline.last - 1);
    player.scrub(Math.min(this.outline.positionAt(place), last));
  }

  _release(place) {
    const grip = this._grip;
    this._grip = null;
    if (grip?.picks) return this._pick();
    if (!grip) return undefined;
    const { player } = this._page;
    const tick = this.outline.tickNear(place, this._near());
    if (player.recording === LIVE && place >= this.outline.length - this._near() && tick === null) return player.goLive();
    const position = tick?.position ?? Math.min(this.outline.positionAt(place), Math.max(this.outline.first, this.outline.last - 1));
    return player
      .goTo({ position })
      .then((there) => there && grip.plays && player.play())
      .catch((error) => this._page.toast(error.message, "bad"));
  }

  /** See what was chosen. */
  _pick() {
    const [low, high] = [Math.min(...this._picked), Math.max(...this._picked)];
    this._picked = null;
    if (high - low > this._near()) {
      if (this._page.player.live) this._page.player.pause();
      [this._span, this._from] = [high - low, low];
      this._refineSoon();
    }
    this._again();
  }

  /** What is under the pointer. */
  _tell(event) {
    const { texts } = this._page.settings;
    const place = this._hover;
    const tick = this.outline.tickNear(place, this._near());
    const position = tick?.position ?? this.outline.positionAt(place);
    const reign = this.outline.reignAt(position);
    const lines = [`${clock(tick?.ms ?? this.outline.msAt(place), texts.timeline.locale)} · ${texts.timeline.position(position)}`];
    if (tick) lines.push(this._sentence(tick.event, texts));
    else lines.push(reign ? texts.timeline.led(reign.node, reign.term) : texts.timeline.nobody);
    say(this._tip, lines.join("\n"));
    this._tip.hidden = false;
    const { width } = this._canvas.getBoundingClientRect();
    const x = event.clientX - this._canvas.getBoundingClientRect().left;
    this._tip.style.left = `${Math.min(Math.max(4, x - this._tip.offsetWidth / 2), Math.max(4, width - this._tip.offsetWidth - 4))}px`;
  }

  _sentence(event, texts) {
    try {
      return whatOf(event, texts) ?? event.type;
    } catch {
      return `${event.node}: ${event.type}`; // a kind of event that the page has no words for
    }
  }
}
