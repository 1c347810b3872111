// What happened and why, newest first, with the section of the rule behind it. A line leads to its moment.

import { KINDS, isTold, nodesOf, partOf, ruleOf, sameOf, whatOf, whyOf } from "./sentences.js";
import { put, say } from "./svg.js";

const KEPT_MAX = 400;
const LINES_MAX = 80;
const PARTS_MAX = 6;
const TOGETHER_LINES = 6;
const TOGETHER_MS = 400;

const clock = (ms) => {
  const at = new Date(ms);
  return `${at.toLocaleTimeString("en-GB")}.${String(at.getMilliseconds()).padStart(3, "0")}`;
};

export class Feed {
  /** `root` holds the list #feed, the two choices #feed-node and #feed-kind and the button #feed-new. */
  constructor(root, page) {
    this._page = page;
    this._list = root.querySelector("#feed");
    this._node = root.querySelector("#feed-node");
    this._kind = root.querySelector("#feed-kind");
    this._new = root.querySelector("#feed-new");
    this._happened = [];
    this._fresh = [];
    this._unread = 0;
    this._names = null;
    for (const choice of [this._node, this._kind]) choice.onchange = () => this._again();
    this._new.onclick = () => this._list.scrollTo({ top: 0 });
    this._list.onscroll = () => this._list.scrollTop < 4 && this._read();
    this._list.onclick = (event) => this._go(event.target.closest("li"));
    this._list.onkeydown = (event) => this._press(event);
  }

  /** Begin anew: with what the state has kept as worth telling, and the events that led to it. */
  begin(state, events) {
    const told = events.filter(([, event]) => isTold(event)).map(([position, event]) => ({ position, event, ms: event.ts * 1000 }));
    const before = told.length ? Math.trunc(told[0].ms) : Infinity;
    const kept = state.all.notable.filter((event) => event.ms < before && isTold(event));
    this._happened = [...kept.map((event) => ({ position: null, event, ms: event.ms })), ...told].slice(-KEPT_MAX);
    this._again();
  }

  /** The next events of the stream. */
  take(events) {
    for (const [position, event] of events) {
      if (isTold(event)) this._fresh.push({ position, event, ms: event.ts * 1000 });
    }
    if (this._fresh.length > KEPT_MAX) this._fresh = this._fresh.slice(-KEPT_MAX);
  }

  /** The words that stand still, and all lines anew. */
  say(texts) {
    say(document.getElementById("feed-title"), texts.feed.title);
    this._node.ariaLabel = texts.feed.ofNode;
    this._kind.ariaLabel = texts.feed.ofKind;
    this._choices(this._kind, [["", texts.feed.all], ...Object.keys(KINDS).map((kind) => [kind, texts.feed.kinds[kind]])]);
    this._names = null;
    this._again();
  }

  /** The lines that have come since. What somebody reads further down stays where it is. */
  draw({ rows, texts }) {
    const names = rows.map((row) => row.name);
    if (this._names !== names.join("\n")) {
      this._names = names.join("\n");
      this._choices(this._node, [["", texts.feed.allNodes], ...names.map((name) => [name, name])]);
    }
    if (!this._fresh.length) return;
    const fresh = this._fresh.splice(0);
    this._happened = [...this._happened, ...fresh].slice(-KEPT_MAX);
    const lines = fresh.filter((one) => this._passes(one)).slice(-LINES_MAX);
    if (!lines.length) return;
    const list = this._list;
    const [kept, height] = [list.scrollTop, list.scrollHeight];
    if (list.firstElementChild?.className === "quiet") list.replaceChildren();
    for (const one of lines) this._add(one, texts, "fresh");
    if (kept > 0) {
      list.scrollTop = kept + list.scrollHeight - height;
      this._unread += lines.length;
      say(this._new, texts.feed.fresh(this._unread));
      this._new.hidden = false;
    }
    while (list.children.length > LINES_MAX) list.lastElementChild.remove();
  }

  /** All lines anew: another moment, another choice or another language. */
  _again() {
    const { texts } = this._page.settings;
    this._happened = [...this._happened, ...this._fresh.splice(0)].slice(-KEPT_MAX);
    const lines = this._happened.filter((one) => this._passes(one)).slice(-LINES_MAX);
    const held = document.activeElement?.closest("#feed li")?.happened;
    this._list.replaceChildren();
    for (const one of lines) this._add(one, texts);
    if (!lines.length) put(this._list, "li", "quiet", this._happened.length ? texts.feed.none : texts.feed.quiet);
    this._list.scrollTop = 0;
    if (held) this._hold(held);
    this._read();
  }

  /** Give the keyboard back to the line of what happened: the one that had it is gone. */
  _hold(held) {
    const named = ({ event, ms }) => `${event.type} ${event.role} ${event.node} ${Math.trunc(ms)}`; // what the state keeps has no position
    const line = [...this._list.children].find((one) => one.happened && named(one.happened) === named(held));
    (line ?? this._list).focus({ preventScroll: true });
  }

  _read() {
    this._unread = 0;
    this._new.hidden = true;
  }

  /** Fill a choice, and keep what was chosen if it is still there. */
  _choices(choice, options) {
    const { value } = choice;
    choice.replaceChildren();
    for (const [name, text] of options) put(choice, "option", "", text).value = name;
    choice.value = options.some(([name]) => name === value) ? value : "";
  }

  _passes({ event }) {
    const kind = this._kind.value;
    if (kind && !KINDS[kind].includes(event.type)) return false;
    if (this._node.value && !nodesOf(event).includes(this._node.value)) return false;
    return whatOf(event, this._page.settings.texts) !== null;
  }

  /** A line on top; or a further node in one of the last: what many do alike, at once, is one happening. */
  _add(one, texts, mark = "kept") {
    const key = sameOf(one.event);
    const alike = key && [...this._list.children].slice(0, TOGETHER_LINES).find((line) => line.dataset.same === key);
    if (!alike || Math.abs(one.ms - alike.happened.ms) > TOGETHER_MS) {
      const line = this._line(one, texts);
      line.classList.add(mark);
      if (key) line.dataset.same = key;
      this._list.prepend(line);
    } else if (!alike.parts.includes(partOf(one.event))) {
      alike.parts.push(partOf(one.event));
      const { parts } = alike;
      const more = parts.length > PARTS_MAX ? texts.feed.more(parts.length - PARTS_MAX) : "";
      const together = parts.slice(0, PARTS_MAX).join(", ") + more;
      say(alike.querySelector(".what"), whatOf({ ...one.event, node: together, link: together, many: true }, texts));
    }
  }

  _line(one, texts) {
    const { event, ms } = one;
    const line = document.createElement("li");
    line.parts = [partOf(event)];
    line.className = event.type === "role" ? `role-${event.role}` : event.type;
    line.tabIndex = -1;
    line.happened = one;
    if (one.position !== null) line.dataset.position = one.position;
    const time = put(line, "time", "", clock(ms));
    time.dateTime = new Date(ms).toISOString();
    if (this._page.player?.goTo) line.title = texts.feed.toMoment;
    put(line, "span", "what", whatOf(event, texts));
    const why = whyOf(event, texts);
    if (why) put(line, "span", "why", why);
    const rule = ruleOf(event, texts, this._page.catalogue);
    if (rule) put(line, "span", "rule", rule);
    return line;
  }

  /** To the moment of a line. */
  _go(line) {
    const { happened } = line ?? {};
    if (!happened) return;
    const { position, ms } = happened;
    const going = this._page.player?.goTo?.(position === null ? { ms: Math.trunc(ms) } : { position });
    Promise.resolve(going).catch((error) => this._page.toast(error.message, "bad"));
  }

  /** Up and down the lines, and to the moment of one. */
  _press(event) {
    const at = document.activeElement.closest("#feed li");
    const next = { ArrowDown: at ? at.nextElementSibling : this._list.firstElementChild, ArrowUp: at?.previousElementSibling };
    if (event.key in next) next[event.key]?.focus();
    else if (event.key === "Enter" && at) this._go(at);
    else return;
    event.preventDefault();
  }
}
