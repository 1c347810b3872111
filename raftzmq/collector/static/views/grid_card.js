// One entry in words: its term, who has it, on whose disk it is, whether it is committed.

import { put, say } from "../svg.js";

const FIELDS = ["term", "committed", "holders", "disks", "applied", "chain"];

export class EntryCard {
  constructor(root, page) {
    this._root = root;
    root.ariaLive = "polite";
    const head = put(root, "div", "grid-head");
    this._title = put(head, "h3");
    this._hint = put(root, "p");
    this._list = put(root, "dl");
    this._cells = new Map();
    for (const name of FIELDS) {
      const line = put(this._list, "div");
      this._cells.set(name, { term: put(line, "dt"), text: put(line, "dd") });
      line.dataset.field = name;
    }
    this._way = put(head, "button");
    Object.assign(this._way, { type: "button", id: "grid-way" });
    this._way.onclick = () => {
      page.panels.view("lamport").only(this._entry.index);
      page.panels.show("lamport");
    };
  }

  say(texts) {
    this._texts = texts;
    for (const [name, { term }] of this._cells) say(term, texts.grid.fields[name]);
    say(this._hint, texts.grid.hint);
    say(this._way, texts.grid.way);
    this._way.title = texts.grid.wayTitle;
  }

  /** `entry` as `entryAt` gives it, or null; `of` nodes there are; `chosen`: it stays until another one is pressed. */
  show(entry, of, chosen) {
    this._entry = entry;
    const words = this._texts.grid;
    const known = entry !== null;
    if (this._list.hidden === known) {
      this._list.hidden = this._title.hidden = !known;
      this._hint.hidden = known;
    }
    this._way.hidden = !known || !chosen;
    if (!known) return;
    const hex = entry.chain === null ? null : entry.chain.toString(16).padStart(8, "0");
    say(this._title, words.entry(entry));
    const said = {
      term: words.termText(entry),
      committed: words.committedText(entry),
      holders: words.holdersText(entry),
      disks: words.disksText(entry, of),
      applied: words.appliedText(entry),
      chain: words.chainText(entry, hex),
    };
    for (const [name, { text }] of this._cells) say(text, said[name]);
  }
}
