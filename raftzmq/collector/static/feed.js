// What happened and why, newest first, with the section of the rule behind it.

import { put } from "./svg.js";

const LINES_MAX = 60;

export class Feed {
  constructor(list, catalogue) {
    this._list = list;
    this._catalogue = catalogue;
    this._events = [];
  }

  /** Begin anew with the last events worth telling that the state has kept. */
  begin(notable, texts) {
    this._events = notable.map((event) => ({ ...event, ts: event.ms / 1000 }));
    this.show(texts);
  }

  /** The next events of the stream. */
  take(events, texts) {
    const found = events.map(([, event]) => event).filter((event) => this._words(event, texts) !== null);
    if (!found.length) return;
    const kept = this._list.scrollTop;
    this._events = [...this._events, ...found].slice(-LINES_MAX);
    if (this._list.firstElementChild?.className === "quiet") this._list.replaceChildren();
    for (const event of found.slice(-LINES_MAX)) this._list.prepend(this._line(event, texts));
    while (this._list.children.length > LINES_MAX) this._list.lastElementChild.remove();
    if (kept > 0) this._list.scrollTop = kept;
  }

  /** All lines anew: in another language. */
  show(texts) {
    const lines = this._events.filter((event) => this._words(event, texts) !== null).map((event) => this._line(event, texts));
    this._list.replaceChildren(...lines.reverse().slice(0, LINES_MAX));
    if (!lines.length) put(this._list, "li", "quiet", texts.quiet);
  }

  /** The sentence of an event, or null if it isn't worth one: nodes' pre-votes are for the curious. */
  _words(event, texts) {
    if (event.type === "vote" && event.pre_vote) return null;
    if (event.type === "verdict" || !Object.hasOwn(texts.feed, event.type)) return null;
    const words = texts.feed[event.type];
    if (event.type !== "role") return words(event);
    return Object.hasOwn(words, event.role) ? words[event.role](event) : null;
  }

  _line(event, texts) {
    const line = document.createElement("li");
    line.className = event.type === "role" ? `role-${event.role}` : event.type;
    const at = new Date(event.ts * 1000);
    const time = put(line, "time", "", `${at.toLocaleTimeString("en-GB")}.${String(at.getMilliseconds()).padStart(3, "0")}`);
    time.dateTime = at.toISOString();
    put(line, "span", "what", this._words(event, texts));
    const reason = event.type === "role" || event.type === "vote" ? event.reason : null;
    if (reason) put(line, "span", "why", this._reason(reason, texts));
    const rule = this._catalogue[event.type];
    if (rule && !rule.source.startsWith("none")) {
      const source = put(line, "span", "rule", rule.source);
      source.title = rule.when;
    }
    return line;
  }

  _reason(reason, texts) {
    if (Object.hasOwn(texts.reasons, reason)) return texts.reasons[reason];
    return texts.patterns.reduce((found, [pattern, words]) => found.replace(pattern, words), reason);
  }
}
