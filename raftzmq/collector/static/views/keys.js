// The cluster's data: keys by prefix, how one of them came to be what it is, and a box for commands.

import { draw, put, say } from "../svg.js";
import { CommandBox } from "./keys_box.js";
import { KeyHistory } from "./keys_history.js";
import { KeyList } from "./keys_list.js";

export class KeyBrowser {
  constructor(root, page) {
    this._page = page;
    this._locked = put(root, "div", "data-locked");
    const lock = draw(this._locked, "svg", { viewBox: "0 0 48 48", width: 44, height: 44, "aria-hidden": "true" });
    draw(lock, "path", { d: "M14 22v-7a10 10 0 0 1 20 0v7", class: "lock-bow" });
    draw(lock, "rect", { x: 9, y: 22, width: 30, height: 21, rx: 4, class: "lock-body" });
    this._why = put(this._locked, "p");
    this._body = put(root, "div", "data-body");
    this.list = new KeyList(put(this._body, "section", "data-list"), page, (item) => this.choose(item.key));
    this.history = new KeyHistory(put(this._body, "section", "data-history"), page);
    this.box = new CommandBox(put(this._body, "section", "data-box"), page, (done) => this._done(done));
    page.keys?.add("w", () => this._write(), (texts) => texts.keys.toBox, "views");
  }

  say(texts) {
    this._texts = texts.keys;
    this.list.say(texts);
    this.history.say(texts);
    this.box.say(texts);
  }

  shown(front) {
    this._front = front;
    if (front) this.list.stale();
  }

  draw({ state, standing, live }) {
    const allowed = this._page.control?.allowed === true && this._page.player.clustered;
    this._locked.hidden = allowed;
    this._body.hidden = !allowed;
    if (!allowed) {
      const { recording } = this._page.player;
      return void say(this._why, live || !recording || recording === "live" ? this._texts.locked : this._texts.recorded);
    }
    const revision = Math.max(0, ...Object.values(state.all.nodes).map((node) => node.revision ?? 0));
    // The store keeps what was: of a moment of this cluster's past, the keys are those of then.
    const past = !live && this._page.player.recording === "live" ? revision : null;
    if (live && standing.leader === null && this.list.filled) return; // nobody could answer now
    this.list.draw(revision, past, live);
    this.history.draw(past);
    const row = past === null ? this.list.find(this.history.key) : undefined;
    if (row) this.history.seen(row.mod_revision);
  }

  /** Look at a key: its history, and the next command is about it. */
  choose(key) {
    this.list.mark(key);
    this.history.show(key);
    this.box.about(key);
  }

  /** To the client box, wherever the viewer is. */
  _write() {
    this._page.panels.show("keys");
    this.box.focus();
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
