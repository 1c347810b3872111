// Which moment the page shows: the newest one of the stream.

import { Stream } from "./stream.js";

/**
 * What the page asks for the moment that it shows. `began(state, events)` is called when the state is another one
 * altogether, with the events that led to it as far as they are known; `took(events)` when events were folded into
 * it; both get events as [position, event]. `told(standing)` says how the connection is.
 */
export class Player {
  constructor(kinds, { told, began, took }) {
    const fed = (events, anew) => (anew ? began(this.stream.state, []) : took(events));
    this.stream = new Stream(kinds, told, fed);
  }

  /** The cluster's state at the moment that is shown. */
  get state() {
    return this.stream.state;
  }

  /** The position of the last event in it. */
  get position() {
    return this.stream.position;
  }

  /** Is it the newest moment, which moves on by itself? */
  get live() {
    return true;
  }

  /** When an event came last, in milliseconds of `performance.now()`. */
  get heardAt() {
    return this.stream.heardAt;
  }

  /** Types of single messages that somebody on the page needs now. */
  want(types) {
    this.stream.want(types);
  }
}
