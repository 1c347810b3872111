// Where the time of one request went: those that nodes have told of lately, and a waterfall of the chosen one.

import { show } from "../number.js";
import { plain } from "../stored.js";
import { put, say } from "../svg.js";
import { Waterfall } from "./request_fall.js";

const KEPT_MAX = 300;
const LINES_MAX = 100;
const time = (ts) => {
  const at = new Date(ts * 1000);
  return `${at.toLocaleTimeString("en-GB")}.${String(at.getMilliseconds()).padStart(3, "0")}`;
};

export class RequestExplained {
  constructor(root, page) {
    this._page = page;
    this._traces = [];
    this._order = "newest";
    this._chosen = null;
    this._number = 0;
    this._lines = new Map();
    const body = put(root, "div", "request-body");
    const side = put(body, "section", "request-side");
    const bar = put(side, "div", "request-bar");
    this._title = put(bar, "h3");
    this._sort = put(bar, "select");
    this._sort.id = "request-order";
    this._sort.onchange = () => this._sorted(this._sort.value);
    this._list = put(side, "ol", "request-list");
    this._list.id = "request-list";
    this._list.onclick = (event) => this._choose(event.target.closest("li")?.dataset.position);
    this._none = put(side, "p", "data-empty");
    this._main = put(body, "section", "request-main");
    this._main.tabIndex = 0;
    this._main.id = "request-explained";
    this._notice = put(this._main, "p", "data-empty");
    this._falls = put(this._main, "div");
    new ResizeObserver(() => this._sized()).observe(this._main);
  }

  say(texts) {
    this._texts = texts.request;
    const words = texts.request;
    say(this._title, words.recent);
    this._sort.replaceChildren();
    for (const order of ["newest", "slowest"]) put(this._sort, "option", "", words.orders[order]).value = order;
    this._sort.value = this._order;
    this._sort.ariaLabel = words.orderTitle;
    say(this._none, words.none);
    this._lines.clear();
    this._list.replaceChildren();
    this._dirty = true;
    this._tell();
  }

  shown(front) {
    if (!front) return;
    this._lines.clear(); // commands of the box have names by now
    this._list.replaceChildren();
    this._dirty = true;
  }

  begin(_state, events) {
    this._traces = [];
    this._chosen = null;
    this._found = this._trouble = null;
    // What is being asked belongs to another moment.
    this._number += 1;
    this._asking = false;
    this._main.ariaBusy = "false";
    this._tell();
    this.take(events);
  }

  take(events) {
    for (const one of events) if (one[1].type === "trace") this._keep(one);
  }

  _keep([position, event]) {
    const { ts, node, kind, tag, index, commands, replied_us: us } = event;
    this._traces.push({ position, ts, node, kind, tag, index, commands, us });
    if (this._traces.length > KEPT_MAX) this._traces.shift();
    this._dirty = true;
  }

  draw() {
    // Under somebody's pointer nothing moves.
    if (!this._dirty || this._list.matches(":hover")) return false;
    this._dirty = false;
    const wanted = this._wanted();
    const most = Math.max(1, ...wanted.map((trace) => trace.us));
    for (const [position, line] of this._lines) {
      if (wanted.some((trace) => trace.position === position)) continue;
      line.remove();
      this._lines.delete(position);
    }
    wanted.forEach((trace, i) => {
      const line = this._lines.get(trace.position) ?? this._make(trace);
      line.lastElementChild.style.width = `${Math.max(1, (100 * trace.us) / most)}%`;
      line.ariaSelected = String(trace.position === this._chosen);
      if (this._list.children[i] !== line) this._list.insertBefore(line, this._list.children[i] ?? null);
    });
    this._none.hidden = wanted.length > 0;
    if (!this._found && !this._asking && !this._trouble && wanted.length) this._choose(this._slowest().position);
    return false;
  }

  _wanted() {
    const last = this._traces.slice(-LINES_MAX);
    return this._order === "newest" ? last.reverse() : last.sort((a, b) => b.us - a.us || b.position - a.position);
  }

  _slowest() {
    return this._traces.reduce((slowest, trace) => (trace.us > slowest.us ? trace : slowest));
  }

  _sorted(order) {
    this._order = order;
    this._dirty = true;
    this._page.changed();
  }

  _make(trace) {
    const words = this._texts;
    const line = document.createElement("li");
    line.dataset.position = trace.position;
    const button = put(line, "button", "request-line");
    button.type = "button";
    put(button, "span", "request-when", time(trace.ts));
    put(button, "span", "request-what", words.kinds[trace.kind] ?? trace.kind);
    put(button, "span", "request-node", trace.node);
    const many = trace.commands === 1 ? "" : words.commands(show(trace.commands));
    const name = this._page.panels?.view("keys")?.box.nameOf(trace.tag) || plain(trace.tag);
    put(button, "span", "request-tag", [many, name].filter(Boolean).join(" · ")).title = plain(trace.tag);
    put(button, "span", "request-took", words.took(trace.us));
    put(line, "span", "request-bar-of");
    this._lines.set(trace.position, line);
    return line;
  }

  _choose(position) {
    if (position !== undefined) this.explain({ request: Number(position) });
  }

  /** Explain the request at a position of the stream (`request`), or those of a command (`tag`). */
  async explain(what) {
    const number = ++this._number;
    this._chosen = what.request ?? null;
    this._asking = true;
    this._main.ariaBusy = "true";
    this._dirty = true;
    try {
      const answer = await fetch(`/v1/explain?${new URLSearchParams({ ...what, ...this._where() })}`);
      const document_ = await answer.json();
      if (number !== this._number) return;
      this._trouble = answer.ok ? null : document_.error.message;
      this._found = answer.ok ? document_.requests : null;
    } catch {
      if (number !== this._number) return;
      [this._found, this._trouble] = [null, this._texts.unreachable];
    }
    this._asking = false;
    this._main.ariaBusy = "false";
    if (this._found && what.tag !== undefined) this._chosen = this._found.at(-1).position;
    this._dirty = true;
    this._tell();
    this._page.changed();
  }

  /** The same write as messages between nodes. */
  _follow(index) {
    this._page.panels.show("lamport");
    // Once it has been drawn, so that it knows how much room there is.
    requestAnimationFrame(() => this._page.panels.view("lamport")?.only(index));
  }

  /** Of a recording that is replayed, which one. */
  _where() {
    const { live, recording } = this._page.player ?? {};
    return live === false && recording ? { recording } : {};
  }

  /** Another width has room for more ticks, or fewer. */
  _sized() {
    const room = Math.round(this._main.clientWidth / 120);
    if (room === this._room) return;
    this._room = room;
    this._tell();
  }

  _tell() {
    const words = this._texts;
    if (!words) return;
    this._falls.replaceChildren();
    say(this._notice, this._trouble ?? (this._found ? "" : words.choose));
    this._notice.classList.toggle("bad", Boolean(this._trouble));
    this._found?.forEach((explanation, i) => {
      const place = this._found.length > 1 ? words.place(i + 1, this._found.length) : "";
      new Waterfall(this._falls, explanation, words, place, (index) => this._follow(index));
    });
  }
}
