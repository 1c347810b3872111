// The keys that begin with a prefix, a page at a time. While it is looked at it keeps itself up to date: what changed
// lights up for a moment, and nothing else moves.

import { show } from "../number.js";
import { idOf, plain, putStored } from "../stored.js";
import { put, say } from "../svg.js";
import { Asker, Outdated } from "./keys_ask.js";

const ROWS = 50;
const LETTERS = 80;
const AGAIN_MS = 1000;
const TROUBLED_MS = 4000;
const PAST_MS = 250;
const NOTHING = { items: [], more: false, from: null, revision: 0 };

export class KeyList {
  /** `chosen(item)` is called for the row of a key that the viewer chose. */
  constructor(root, page, chosen) {
    this._page = page;
    this._chosen = chosen;
    this._asker = new Asker(page);
    this._rows = new Map();
    this._pages = [];
    this._revision = -1;
    this._askedAt = -Infinity;
    this._marked = null;
    this._arrange(root);
  }

  _arrange(root) {
    const bar = put(root, "div", "data-bar");
    this._prefix = put(bar, "input", "data-prefix");
    Object.assign(this._prefix, { type: "search", id: "keys-prefix", spellcheck: false, autocomplete: "off", maxLength: 480 });
    this._prefix.oninput = () => this._begin();
    this._count = put(bar, "span", "data-count");
    this._count.id = "keys-count";
    this._back = put(bar, "button", "data-step", "‹");
    this._on = put(bar, "button", "data-step", "›");
    Object.assign(this._back, { type: "button", id: "keys-back", onclick: () => this._step(-1) });
    Object.assign(this._on, { type: "button", id: "keys-on", onclick: () => this._step(1) });
    this._then = put(root, "p", "data-then");
    const scroll = put(root, "div", "data-scroll");
    scroll.tabIndex = 0;
    const table = put(scroll, "table", "data-table");
    table.id = "keys-table";
    this._head = put(table.createTHead(), "tr");
    this._body = table.createTBody();
    this._body.onclick = (event) => this._choose(event.target.closest("tr"));
    this._body.onkeydown = (event) => this._press(event);
    this._empty = put(scroll, "p", "data-empty");
    this._trouble = put(root, "p", "data-trouble");
    this._trouble.role = "status";
  }

  say(texts) {
    this._texts = texts.keys;
    const words = texts.keys;
    this._prefix.placeholder = words.prefix;
    this._prefix.ariaLabel = words.prefix;
    [this._back.ariaLabel, this._back.title] = [words.back, words.back];
    [this._on.ariaLabel, this._on.title] = [words.on, words.on];
    this._head.replaceChildren(...words.columns.map((title) => Object.assign(document.createElement("th"), { textContent: title, scope: "col" })));
    if (this._found) this._show(this._found);
  }

  /** The row of a key that is shown, or undefined. */
  find(key) {
    return key === null ? undefined : this._rows.get(idOf(key))?.item;
  }

  /** Has an answer come yet? */
  get filled() {
    return this._found !== undefined;
  }

  /** What is shown is out of date. */
  stale() {
    this._revision = -1;
    this._askedAt = -Infinity;
    this._page.changed();
  }

  /**
   * Ask again if the store has gone on since: `revision` is the newest that any node has told. Of a moment of its past
   * `past` is the revision then, else null.
   */
  draw(revision, past, live) {
    say(this._then, live ? "" : past === null ? this._texts.notThen : this._texts.then(show(past)));
    if (past !== this._past) [this._past, this._revision] = [past, -1];
    const pause = past !== null ? PAST_MS : this._trouble.textContent ? TROUBLED_MS : AGAIN_MS;
    if (this._asker.busy || performance.now() - this._askedAt < pause) return;
    if (revision > this._revision || (past === null && this._trouble.textContent)) this._ask();
  }

  /** Show which key is looked at. */
  mark(key) {
    this._marked = idOf(key);
    for (const [id, { line }] of this._rows) line.ariaSelected = String(id === this._marked);
  }

  _begin() {
    this._pages = [];
    this._ask();
  }

  _step(by) {
    if (by > 0 && this._found?.more) this._pages.push(this._found.from);
    else if (by < 0) this._pages.pop();
    this._ask();
  }

  async _ask() {
    this._askedAt = performance.now();
    const from = this._pages.at(-1);
    const past = this._past ?? null;
    const question = { limit: ROWS, prefix: this._prefix.value, ...(from === undefined ? {} : { from }) };
    if (past !== null) question.revision = past;
    try {
      const found = past === 0 ? NOTHING : await this._asker.ask("/v1/keys", question);
      if (past === (this._past ?? null)) this._revision = past === null ? found.revision : Infinity;
      say(this._trouble, "");
      this._show(found);
    } catch (error) {
      if (error instanceof Outdated) return;
      say(this._trouble, error.message);
      if (past !== null) this._revision = Infinity; // it won't come back
    }
    this._askedAt = performance.now();
    this._page.changed();
  }

  _show(found) {
    const where = `${this._prefix.value} ${this._pages.at(-1)}`;
    const known = where === this._where;
    this._where = where;
    this._found = found;
    const rows = new Map();
    for (const item of found.items) {
      const id = idOf(item.key);
      const row = this._rows.get(id) ?? { line: this._make(item) };
      const changed = known && row.item?.mod_revision !== item.mod_revision;
      row.item = item;
      this._fill(row.line, item, changed);
      row.line.ariaSelected = String(id === this._marked);
      rows.set(id, row);
    }
    this._rows = rows;
    const lines = [...rows.values()].map(({ line }) => line);
    if (lines.length !== this._body.rows.length || lines.some((line, i) => line !== this._body.rows[i])) {
      this._body.replaceChildren(...lines);
    }
    const words = this._texts;
    const first = this._pages.length * ROWS + 1;
    say(this._count, lines.length ? words.count(show(first), show(first + lines.length - 1), show(found.revision)) : "");
    say(this._empty, lines.length ? "" : this._prefix.value ? words.none(this._prefix.value) : words.empty);
    this._back.disabled = !this._pages.length;
    this._on.disabled = !found.more;
  }

  _make(item) {
    const line = document.createElement("tr");
    line.tabIndex = 0;
    const key = put(line, "th", "data-key");
    key.scope = "row";
    putStored(key, item.key, LETTERS);
    key.title = plain(item.key);
    put(line, "td", "data-value");
    for (let k = 0; k < 3; k++) put(line, "td", "data-number");
    line.onanimationend = () => line.classList.remove("fresh");
    return line;
  }

  _fill(line, item, changed) {
    if (line.dataset.revision === String(item.mod_revision)) return;
    line.dataset.revision = item.mod_revision;
    const [, value, ...numbers] = line.cells;
    putStored(value, item.value, LETTERS);
    const { create_revision: created, mod_revision: changedAt } = item;
    const told = [item.bytes, item.version].map(show);
    told.push(created === changedAt ? show(changedAt) : `${show(created)} → ${show(changedAt)}`);
    numbers.forEach((cell, k) => say(cell, told[k]));
    if (changed) line.classList.add("fresh");
  }

  _choose(line) {
    for (const row of this._rows.values()) if (row.line === line) this._chosen(row.item);
  }

  _press(event) {
    const line = event.target.closest("tr");
    const next = { ArrowDown: line?.nextElementSibling, ArrowUp: line?.previousElementSibling }[event.key];
    if (event.key === "Enter" && line) this._choose(line);
    else if (next) next.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
