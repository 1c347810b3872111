// The collector's WebSocket: the state first, then every event; again and again after a loss.

import { History } from "./history.js";
import { ClusterState } from "./state.js";

const AGAIN_MS = [250, 500, 1000, 2000, 4000];
const BEHIND_MS = 4000;
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
    this.heardAt = performance.now();
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
    socket.onopen = () => this._ask();
    socket.onmessage = (message) => this._take(JSON.parse(message.data), socket);
    socket.onclose = () => {
      const pause = AGAIN_MS[Math.min(this._tries++, AGAIN_MS.length - 1)];
      this._told("lost");
      setTimeout(() => this.connect(), pause);
    };
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
    this._socket.send(JSON.stringify({ filter: { types, nodes: null } }));
  }

  _take(message, socket) {
    if (message.state !== undefined) {
      // Of a collector that has heard nothing yet there is no state.
      const state = Object.keys(message.state).length ? ClusterState.from(message.state) : new ClusterState();
      this.history.begin(state, message.position);
      this._tries = 0;
      this._told(message.reset === undefined ? "live" : "behind");
      if (message.reset !== undefined) {
        setTimeout(() => socket === this._socket && socket.readyState === WebSocket.OPEN && this._told("live"), BEHIND_MS);
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
