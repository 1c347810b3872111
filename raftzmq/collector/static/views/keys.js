// The cluster's data: keys by prefix, how one of them came to be what it is, and a box for commands.

import { put, say } from "../svg.js";
import { CommandBox } from "./keys_box.js";
import { KeyHistory } from "./keys_history.js";
import { KeyList } from "./keys_list.js";

export class KeyBrowser {
  constructor(root, page) {
    this._page = page;
    this._locked = put(root, "p", "data-locked");
    this._body = put(root, "div", "data-body");
    this.list = new KeyList(put(this._body, "section", "data-list"), page, (item) => this.choose(item.key));
    this.history = new KeyHistory(put(this._body, "section", "data-history"), page);
    this.box = new CommandBox(put(this._body, "section", "data-box"), page, (done) => this._done(done));
  }

  say(texts) {
    say(this._locked, texts.keys.locked);
    this.list.say(texts);
    this.history.say(texts);
    this.box.say(texts);
  }

  shown(front) {
    this._front = front;
    if (front) this.list.stale();
  }

  draw({ state, live }) {
    const allowed = this._page.control?.allowed === true;
    this._locked.hidden = allowed;
    this._body.hidden = !allowed;
    if (!allowed) return;
    const revision = Math.max(0, ...Object.values(state.all.nodes).map((node) => node.revision ?? 0));
    this.list.draw(revision, live);
    const row = this.list.find(this.history.key);
    if (row) this.history.seen(row.mod_revision);
  }

  /** Look at a key: its history, and the next command is about it. */
  choose(key) {
    this.list.mark(key);
    this.history.show(key);
    this.box.about(key);
  }

  /** A command has ended: what it changed is to be seen at once. */
  _done({ key, revision, op, deleted }) {
    this.list.stale();
    if (op === "get") return;
    this.list.mark(key);
    if (op === "delete") {
      if (deleted) this.history.show(key, revision);
    } else this.history.show(key);
  }
}
