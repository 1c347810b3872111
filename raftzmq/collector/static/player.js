// Which moment the page shows: the newest of the stream, or any other of it or of a recording, still or passing.

import { History, isCheckpoint } from "./history.js";
import { Pace } from "./pace.js";
import { LIVE, about, events as eventsOf, hashOf, list, moment, tick } from "./recordings.js";
import { ClusterState } from "./state.js";
import { Stream } from "./stream.js";
import { kindOf } from "./ticks.js";

/** Speeds to choose from. */
export const SPEEDS = [0.001, 0.01, 0.1, 0.25, 0.5, 1, 2, 5, 10, 100];
/** Events that views are shown of what led to a moment, and fewer while somebody scrubs. */
const LEAD = 1500;
const SCRUB_LEAD = 200;
/** What is fetched ahead of what is played, and how much at once. */
const AHEAD = 3000;
const PIECE = 2500;
const WINDOW_MAX = 20_000;
/** Events in one frame, and the viewer's milliseconds that one counts for at most. */
const BUDGET = 1500;
const FRAME_MS = 250;
/** How long the moment rests before the address names it: browsers refuse too many changes. */
const REST_MS = 300;

/**
 * What the page asks for the moment that it shows. `began(state, events)` is called when the state is another one
 * altogether, with the events that led to it as far as they are known; `took(events)` when events were folded into
 * it; both get events as [position, event]. `told(standing)` says how the connection is.
 */
export class Player {
  constructor(kinds, { told, began, took }) {
    this._began = began;
    this._took = took;
    this._watchers = [];
    this._pace = new Pace();
    this._mode = "live";
    this._recording = LIVE;
    /** How fast it plays: seconds of the recording in one of the viewer's. */
    this.speed = 1;
    /** Is there a cluster behind the page? A recording may be served without one. */
    this.clustered = true;
    this._ticket = 0;
    this._abort = new AbortController();
    this._wanted = null;
    this._state = new ClusterState();
    this._position = 0;
    this._window = new History(WINDOW_MAX, { whole: true });
    this.stream = new Stream(kinds, told, (events, anew) => this._fed(events, anew));
    addEventListener("hashchange", () => this._follow());
    this._begin();
  }

  // --- what is shown ---

  /** The cluster's state at the moment that is shown. */
  get state() {
    return this.live ? this.stream.state : this._state;
  }

  /** The position of the last event in it. */
  get position() {
    return this.live ? this.stream.position : this._position;
  }

  /** Is it the newest moment, which moves on by itself? */
  get live() {
    return this._mode === "live";
  }

  /** Does it move on by itself, but not live? */
  get playing() {
    return this._mode === "playing";
  }

  /** The id of the recording whose moment it is. */
  get recording() {
    return this._recording;
  }

  /** The time of the moment, in milliseconds since 1970; between two events, too. */
  get now() {
    return this.live ? this.state.all.time_ms : this._pace.now;
  }

  /** When an event came last, in milliseconds of `performance.now()`. */
  get heardAt() {
    return this.stream.heardAt;
  }

  /** How far it is behind the newest moment: { events, ms }; null in another recording. */
  get behind() {
    if (this._recording !== LIVE || !this.stream.position) return null;
    const ms = Math.max(0, this.stream.state.all.time_ms - this.state.all.time_ms);
    return { events: Math.max(0, this.stream.position - this.position), ms };
  }

  /** The next events after the moment, at most `count`, as far as they are in memory; live, none is known. */
  coming(count) {
    return this.live ? [] : this._next(count);
  }

  /** Types of single messages that somebody on the page needs now. */
  want(types) {
    this.stream.want(types);
  }

  /** Be told of what changes: `changed()` of how it plays, `arrived(events, anew)` of what came live. */
  watch(watcher) {
    this._watchers.push(watcher);
  }

  // --- where to ---

  /** Show the moment at a position, or at a time `ms`, of this or another recording; says whether it came to that. */
  async goTo({ position, ms, recording = this._recording }) {
    this._wanted = null;
    return this._look({ position, ms, recording }, LEAD);
  }

  /** The same for a hand that moves on: of the moments that come too fast, the last one is shown. */
  scrub(position) {
    this._wanted = position;
    this._scrubbing ??= this._scrub().finally(() => (this._scrubbing = null));
    return this._scrubbing;
  }

  async _scrub() {
    while (this._wanted !== null) {
      const position = this._wanted;
      this._wanted = null;
      await this._look({ position, recording: this._recording }, SCRUB_LEAD).catch((error) => this._failed(error));
    }
  }

  /** Stand still; what comes live is kept. */
  pause() {
    if (this.live) this._leave();
    this._set("still");
  }

  /** Go on at a speed. Live at speed 1 is live. */
  async play(speed = this.speed) {
    this.speed = this.live ? Math.min(speed, 1) : speed;
    if (this.live && speed >= 1) return this._changed();
    if (this.live) this._leave();
    if (!this._next(1).length && !(await this._more().catch(() => false)) && this._recording !== LIVE) {
      await this._look({ position: 0, recording: this._recording }, LEAD); // at the end: from the beginning
    }
    this._set("playing");
    this._at = performance.now();
    this._ask();
    return undefined;
  }

  /** One event on, or back. */
  async step(by) {
    this.pause();
    if (by > 0) {
      if (!this._next(1).length) await this._more();
      this._fold(this._next(1));
      return;
    }
    const before = this._window.has(this._position) ? this._window.before(this._position) : null;
    if (before !== null) this._show(this._window, before);
    else if (this._position > 0) await this._look({ position: this._position - 1, recording: this._recording }, LEAD);
  }

  /** To the next event that has a mark, or to the one before; says whether there is one. */
  async stepNotable(by) {
    this.pause();
    // What came live may have been forgotten meanwhile: then what is in memory isn't next to the moment.
    const near = this._window.has(this._position) ? this._window.find(this._position, by, (event) => kindOf(event) !== null) : null;
    const ticket = this._ticket;
    const position = near ?? (await tick(this._recording, this._position, by));
    if (position === null) return false;
    return ticket === this._ticket && this._look({ position, recording: this._recording }, LEAD);
  }

  /** To the first or the last moment of the recording. */
  async goToEnd(by) {
    if (by > 0 && this._recording === LIVE && this.stream.position) return this.goLive();
    return this.goTo({ position: by < 0 ? 0 : Number.MAX_SAFE_INTEGER });
  }

  /** To the newest moment, and on with it. */
  goLive() {
    this._cancel();
    this._recording = LIVE;
    this.speed = 1;
    this._set("live");
    this._began(this.stream.state, this.stream.history.lead(this.stream.position, LEAD));
  }

  // --- how ---

  /** Live, or where the page's address leads; a server without a cluster has only recordings. */
  async _begin() {
    const there = await list().catch(() => [{ id: LIVE, live: true }]);
    this.clustered = there.some((one) => one.live);
    if (this.clustered) this.stream.connect();
    if (await this._follow()) return;
    const [first] = there;
    if (!there.some((one) => one.live) && first) await this.goTo({ recording: first.id, position: first.begin ?? first.first_position });
  }

  /** To where the address leads; says whether it leads to a moment. */
  async _follow() {
    const asked = new URLSearchParams(location.hash.slice(1));
    if (!asked.has("recording")) return false;
    const position = Number(asked.get("at") ?? NaN);
    const recording = asked.get("recording");
    try {
      await this.goTo({ recording, position: Number.isSafeInteger(position) && position >= 0 ? position : (await about(recording)).first_position });
    } catch (error) {
      this._failed(error);
    }
    return true;
  }

  _failed(error) {
    for (const watcher of this._watchers) watcher.failed?.(error.message);
  }

  _changed() {
    clearTimeout(this._naming);
    this._naming = setTimeout(() => this._name(), REST_MS);
    for (const watcher of this._watchers) watcher.changed?.();
  }

  /** An address that names a moment names the one that is shown: it is copied, and opened anew. */
  _name() {
    const hash = hashOf(location.hash, this.live ? null : { recording: this._recording, at: this._position });
    if (hash !== location.hash) globalThis.history.replaceState(globalThis.history.state, "", `${location.pathname}${location.search}${hash}`);
  }

  _set(mode) {
    this._mode = mode;
    this._changed();
  }

  _cancel() {
    this._ticket += 1;
    this._abort.abort();
    this._abort = new AbortController();
  }

  /** Events came live. */
  _fed(events, anew) {
    for (const watcher of this._watchers) watcher.arrived?.(events, anew);
    if (!this.live) return;
    if (anew) this._began(this.stream.state, []);
    else this._took(events);
  }

  /** From live to standing where it is. */
  _leave() {
    this._window = this.stream.history;
    this._position = this.stream.position;
    this._state = this._window.stateAt(this._position);
    this._pace.begin(this._state.all.time_ms);
    this._torn = false;
    this._mode = "still";
  }

  /** What the browser has in memory of a moment, or null. */
  _memoryOf(recording, position, lead) {
    const known = [];
    if (recording === this._recording && !this.live) known.push(this._window);
    if (recording === LIVE) known.push(this.stream.history);
    return known.find((one) => one.has(position) && (position - one.first >= Math.min(lead, SCRUB_LEAD) || one.first <= 1)) ?? null;
  }

  async _look({ position, ms, recording }, lead) {
    this._cancel();
    const ticket = this._ticket;
    const near = position === undefined ? null : this._memoryOf(recording, position, lead);
    if (near !== null) {
      this._recording = recording;
      this._show(near, position);
      return true;
    }
    let found;
    try {
      found = await moment(recording, { position, ms: ms === undefined ? undefined : Math.max(0, Math.trunc(ms)) }, lead, this._abort.signal);
    } catch (error) {
      if (ticket !== this._ticket) return false;
      throw error;
    }
    if (ticket !== this._ticket) return false;
    const found_ = new History(WINDOW_MAX, { whole: true });
    found_.begin(ClusterState.from(found.state), found.from);
    found_.take(found.events);
    this._recording = recording;
    this._show(found_, found.position);
    return true;
  }

  _show(window_, position) {
    this._window = window_;
    this._position = position;
    this._state = window_.stateAt(position);
    this._torn = false;
    this._pace.begin(this._state.all.time_ms);
    if (this.live) this._mode = "still";
    this._began(this._state, window_.lead(position, LEAD));
    this._changed();
  }

  /** The next events that are in memory. */
  _next(count) {
    const { history } = this.stream;
    // What came live meanwhile goes on where a piece of its recording ends.
    if (this._recording === LIVE && this._window.last === this._position && history.has(this._position)) this._window = history;
    // What came live may have been forgotten meanwhile.
    if (!this._window.has(this._position)) return [];
    return this._window.after(this._position, count);
  }

  /** Fetch what comes next; says whether there is more. */
  async _more() {
    if (this._fetching || (this._recording === LIVE && this._window === this.stream.history && this._window.has(this._position))) return false;
    const [ticket, window_] = [this._ticket, this._window];
    const lost = !window_.has(this._position);
    this._fetching = true;
    try {
      const from = lost ? this._position : window_.last;
      const events = await eventsOf(this._recording, from, PIECE, this._abort.signal);
      if (ticket !== this._ticket || !events.length) return false;
      if (lost) {
        this._window = new History(WINDOW_MAX, { whole: true });
        this._window.begin(ClusterState.from(this._state.toJSON()), this._position);
      }
      this._window.take(events);
      return true;
    } catch (error) {
      if (ticket !== this._ticket) return false;
      throw error;
    } finally {
      this._fetching = false;
    }
  }

  /** Fold events of the window into what is shown. */
  _fold(events) {
    if (!events.length) return;
    const whole = this._window !== this.stream.history;
    let torn = this._torn;
    for (const [position, event] of events) {
      // Behind a hole in a recording, the next checkpoint knows better than the sum.
      if (whole && position !== this._position + 1) torn = this._torn = true;
      else if (isCheckpoint(event)) this._torn = false;
      this._state.fold(event);
      this._position = position;
    }
    if (torn) this._state = this._window.stateAt(this._position);
    if (!this.playing) this._pace.begin(this._state.all.time_ms);
    this._took(events);
    if (!this.playing) this._changed();
  }

  /** Ask for the next frame; only ever one is asked for, however often it is begun to play. */
  _ask() {
    cancelAnimationFrame(this._frameAsked);
    this._frameAsked = requestAnimationFrame((now) => this._frame(now));
  }

  /** A frame of what is played. */
  _frame(now) {
    if (!this.playing) return;
    this._ask();
    const passed = Math.min(Math.max(0, now - this._at), FRAME_MS);
    this._at = now;
    const next = this._next(BUDGET);
    if (next.length) {
      this._pace.pass(passed, this.speed);
      const due = this._pace.due(next, this.speed);
      if (due === next.length) this._pace.hold();
      this._fold(next.slice(0, due));
    }
    if (this._window.last - this._position < AHEAD) this._feed(next.length === 0);
  }

  /** Have enough to go on with, or end where nothing more comes. */
  _feed(starves) {
    if (this._recording === LIVE && starves && this._position >= this.stream.position && this.stream.position) {
      if (this.speed >= 1) this.goLive();
      return;
    }
    if (this._fetching) return;
    const ticket = this._ticket;
    this._more()
      .then((more) => {
        if (!more && starves && ticket === this._ticket && this.playing && this._recording !== LIVE) this.pause();
      })
      .catch((error) => {
        this._failed(error);
        this.pause();
      });
  }
}
