// How a key came to be what it is: its versions, the newest first, each with what it changed.

import { show } from "../number.js";
import { changeOf, idOf, lettersOf, plain, putLetters, putStored, queryOf } from "../stored.js";
import { put, say } from "../svg.js";
import { Asker, Outdated } from "./keys_ask.js";

const LETTERS = 200;
const AGAIN_MS = 2000;
const PAST_MS = 250;
const NOTHING = { versions: [], end: "none" };

export class KeyHistory {
  constructor(root, page) {
    this._asker = new Asker(page);
    this._versions = [];
    this._end = null;
    this._deleted = 0;
    /** The key whose history is shown, or null. */
    this.key = null;
    this._title = put(root, "h3", "data-title");
    const scroll = (this._scroll = put(root, "div", "data-scroll"));
    scroll.tabIndex = 0;
    this._askedAt = -Infinity;
    this._past = null;
    this._list = put(scroll, "ol", "data-versions");
    this._list.id = "keys-history";
    this._note = put(scroll, "p", "data-empty");
    this._more = put(scroll, "button", "data-more");
    Object.assign(this._more, { type: "button", hidden: true, onclick: () => this._ask(true) });
  }

  say(texts) {
    this._texts = texts.keys;
    this._show();
  }

  /** Show the history of `key`; `deleted` is the revision that deleted it, if it isn't there any more. */
  show(key, deleted = 0) {
    if (this.key === null || idOf(this.key) !== idOf(key)) [this._versions, this._end] = [[], null];
    this.key = key;
    this._deleted = deleted;
    this._ask(false);
  }

  /** Of a moment of the past: the history up to the revision then (`past`); null: up to now. */
  draw(past) {
    if (past === this._past || this._asker.busy || performance.now() - this._askedAt < PAST_MS) return;
    this._past = past;
    [this._versions, this._end, this._deleted] = [[], null, 0];
    if (this.key !== null) this._ask(false);
  }

  /** The key was seen with this revision of its last change: there may be a version more than is shown. */
  seen(revision) {
    if (this._asker.busy || !(revision > (this._versions[0]?.revision ?? 0))) return;
    if (performance.now() - this._askedAt < AGAIN_MS) return; // each version is a read of its own
    this._deleted = 0;
    this._ask(false);
  }

  async _ask(older) {
    this._askedAt = performance.now();
    const [name, key] = queryOf("key", this.key);
    const question = { [name]: key };
    if (older) question.revision = this._versions.at(-1).revision - 1;
    else if (this._past) question.revision = this._past;
    else if (this._deleted > 1) question.revision = this._deleted - 1;
    try {
      const found = this._past === 0 ? NOTHING : await this._asker.ask("/v1/history", question);
      if (older) this._take([...this._versions, ...found.versions], found.end);
      else this._takeNewest(found);
      this._trouble = "";
    } catch (error) {
      if (error instanceof Outdated) return;
      this._trouble = error.message;
    }
    this._show();
  }

  _take(versions, end) {
    this._versions = versions;
    this._end = end;
  }

  /** The newest versions: what is known of the older ones stays. */
  _takeNewest({ versions, end }) {
    const at = versions.findIndex(({ revision }) => revision === this._versions[0]?.revision);
    if (at < 0) this._take(versions, end);
    else this._take([...versions.slice(0, at), ...this._versions], this._end);
  }

  _show() {
    // Who reads further down goes on reading there.
    const below = this._scroll.scrollTop > 4 ? this._scroll.scrollHeight - this._scroll.scrollTop : 0;
    this._fill();
    if (below) this._scroll.scrollTop = this._scroll.scrollHeight - below;
  }

  _fill() {
    const words = this._texts;
    this._title.replaceChildren();
    put(this._title, "span", "data-soft", this.key === null ? words.history : words.historyOf);
    if (this.key !== null) {
      const name = put(this._title, "span", "data-key");
      putStored(name, this.key, 60);
      name.title = plain(this.key);
    }
    const before = this._list.querySelector(".data-revision")?.textContent;
    this._list.replaceChildren();
    if (this._deleted) put(put(this._list, "li", "data-gone"), "span", "data-revision", words.deletedAt(show(this._deleted)));
    this._versions.forEach((version, i) => this._line(version, this._versions[i + 1]));
    const first = this._list.firstElementChild;
    const same = this.key !== null && this._shownKey === idOf(this.key);
    this._shownKey = this.key === null ? "" : idOf(this.key);
    if (same && first && before && before !== first.querySelector(".data-revision").textContent) first.classList.add("fresh");
    say(this._note, this._trouble || (this.key === null ? words.choose : words.ends[this._end] ?? words.asking));
    this._note.classList.toggle("bad", Boolean(this._trouble));
    this._more.hidden = this._end !== "more";
    say(this._more, words.more);
  }

  /** A version, with what is new in it against the one before. */
  _line(version, before) {
    const words = this._texts;
    const line = put(this._list, "li");
    put(line, "span", "data-revision", words.revisionOf(show(version.revision), show(version.version)));
    const value = put(line, "div", "data-text");
    const letters = lettersOf(version.value);
    if (before === undefined) {
      putLetters(value, letters.slice(0, LETTERS));
    } else {
      const old = lettersOf(before.value);
      const { head, tail } = changeOf(old, letters);
      this._changed(value, letters, old, head, tail);
    }
    if (!version.bytes) put(value, "span", "data-soft", words.emptyValue);
    const shown = typeof version.value === "string" ? new TextEncoder().encode(version.value).length : atob(version.value.b64).length;
    if (shown < version.bytes || letters.length > LETTERS) put(line, "span", "data-soft", words.cut(show(version.bytes)));
  }

  _changed(value, letters, old, head, tail) {
    // Of a long text that stayed, only what is around the change.
    const around = 60;
    const from = Math.max(0, head > 2 * around ? head - around : 0);
    const until = Math.min(letters.length, tail > 2 * around ? letters.length - tail + around : letters.length);
    if (from) put(value, "span", "data-soft", "…");
    putLetters(value, letters.slice(from, head));
    const gone = old.slice(head, old.length - tail);
    if (gone.length) putLetters(put(value, "del"), gone.slice(0, LETTERS / 2));
    const come = letters.slice(head, letters.length - tail);
    if (come.length) putLetters(put(value, "ins"), come.slice(0, LETTERS));
    putLetters(value, letters.slice(letters.length - tail, until).slice(0, LETTERS));
    if (until < letters.length) put(value, "span", "data-soft", "…");
  }
}
