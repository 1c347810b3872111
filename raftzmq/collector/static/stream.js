// The collector's WebSocket: the state first, then every event; again and again after a loss.

import { History } from "./history.js";
import { ClusterState } from "./state.js";

const AGAIN_MS = [250, 500, 1000, 2000, 4000];
const BEHIND_MS = 4000;
/** A server with nothing to tell is asked after so long, and so often; it answers even if no node runs. */
const ASK_MS = 1000;
/** Without an answer for so long, it counts as lost; later its connection is given up, for it may be dead. */
const ANSWER_MS = 1500;
const GIVE_UP_MS = 10_000;
const WATCH_MS = 250;
const DETAILS = new Set(["sent", "received", "heartbeat_sent", "heartbeat_received", "request"]);
/** What the browser itself remembers: seconds of a busy cluster, an hour of an idle one. */
const EVENTS_MAX = 20_000;

/** Folds what comes into `state`. `told` gets "connecting", "live", "lost" or "behind"; `took` gets each batch. */
export class Stream {
  constructor(kinds, told, took) {
    this._kinds = kinds;
    this._told = told;
    this._took = took;
    this._tries = 0;
    this._details = [];
    this._socket = null;
    /** The newest events, and the states before them. */
    this.history = new History(EVENTS_MAX);
    /** When an event came last, and when anything at all. */
    this.heardAt = this.answeredAt = performance.now();
    this._askedAt = null;
    this._silent = false;
  }

  /** The newest state. */
  get state() {
    return this.history.state;
  }

  /** The position of the last event in it. */
  get position() {
    return this.history.last;
  }

  connect() {
    this._told(this._tries ? "lost" : "connecting");
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
    this._socket = socket;
    [this._silent, this._askedAt] = [false, null];
    this._watching ??= setInterval(() => this._watch(performance.now()), WATCH_MS);
    socket.onopen = () => this._ask();
    socket.onmessage = (message) => this._take(JSON.parse(message.data), socket);
    socket.onclose = () => this._lose();
  }

  _lose() {
    const pause = AGAIN_MS[Math.min(this._tries++, AGAIN_MS.length - 1)];
    this._told("lost");
    setTimeout(() => this.connect(), pause);
  }

  /** Does the server still answer? A connection stays open though it hangs, or though the network is gone. */
  _watch(now) {
    const socket = this._socket;
    if (socket.readyState !== WebSocket.OPEN) return;
    if (this._askedAt === null) {
      if (now - this.answeredAt > ASK_MS) this._ask();
      return;
    }
    const waited = now - this._askedAt;
    if (waited > GIVE_UP_MS) {
      socket.onmessage = socket.onclose = null; // to close it in order takes the other side
      socket.close();
      this._lose();
    } else if (waited > ANSWER_MS && !this._silent) {
      this._silent = true;
      this._told("lost");
    }
  }

  /** Also single messages of these types: they are made only while somebody asks for them by name. */
  want(types) {
    const wanted = [...new Set(types)].filter((kind) => DETAILS.has(kind)).sort();
    if (wanted.join() === this._details.join()) return;
    this._details = wanted;
    if (this._socket?.readyState === WebSocket.OPEN) this._ask();
  }

  _ask() {
    const types = [...this._kinds.filter((kind) => !DETAILS.has(kind)), ...this._details];
    this._askedAt ??= performance.now();
    this._socket.send(JSON.stringify({ filter: { types, nodes: null } }));
  }

  _take(message, socket) {
    this.answeredAt = performance.now();
    this._askedAt = null;
    if (this._silent) {
      this._silent = false;
      this._told("live");
    }
    if (message.state !== undefined) {
      // Of a collector that has heard nothing yet there is no state.
      const state = Object.keys(message.state).length ? ClusterState.from(message.state) : new ClusterState();
      this.history.begin(state, message.position);
      this._tries = 0;
      this._told(message.reset === undefined ? "live" : "behind");
      if (message.reset !== undefined) {
        setTimeout(() => socket === this._socket && socket.readyState === WebSocket.OPEN && !this._silent && this._told("live"), BEHIND_MS);
      }
      this._took([], true);
    } else if (message.events !== undefined) {
      this.history.take(message.events);
      this.heardAt = performance.now();
      this._took(message.events, false);
    } else if (message.error !== undefined) {
      throw new Error(message.error.message);
    }
  }
}
