// The camp's client box: put, get, append, delete; each command with its answer, how long it took, and where that went.

import { show } from "../number.js";
import { lettersOf, plain, posted, putLetters, putStored } from "../stored.js";
import { put, say } from "../svg.js";

const OPS = ["put", "get", "append", "delete"];
const VALUED = new Set(["put", "append"]);
const LINES_MAX = 30;
const LETTERS = 160;

export class CommandBox {
  /** `done(answer)` is called after each command that the cluster answered. */
  constructor(root, page, done) {
    this._page = page;
    this._done = done;
    this._op = "put";
    this._about = null;
    this._lines = [];
    const form = put(root, "form", "box");
    form.id = "box";
    form.onsubmit = (event) => {
      event.preventDefault();
      this.send();
    };
    const ops = put(form, "div", "box-ops");
    ops.role = "radiogroup";
    this._ops = new Map(OPS.map((op) => [op, this._makeOp(ops, op)]));
    this._key = put(form, "input", "box-key");
    Object.assign(this._key, { id: "box-key", spellcheck: false, autocomplete: "off" });
    this._key.oninput = () => (this._about = null);
    this._value = put(form, "textarea", "box-value");
    Object.assign(this._value, { id: "box-value", rows: 2, spellcheck: false });
    this._value.onkeydown = (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    };
    this._send = put(form, "button", "box-send");
    Object.assign(this._send, { type: "submit", id: "box-send" });
    this._hint = put(form, "p", "box-hint");
    this._log = put(root, "ol", "box-log");
    this._log.id = "box-log";
    this._log.tabIndex = 0;
    this._choose("put");
  }

  _makeOp(parent, op) {
    const button = put(parent, "button", "box-op", op);
    Object.assign(button, { type: "button", role: "radio", onclick: () => this._choose(op) });
    button.dataset.op = op;
    return button;
  }

  _choose(op) {
    this._op = op;
    for (const [name, button] of this._ops) button.ariaChecked = String(name === op);
    // Its place stays: what is typed next mustn't move.
    this._value.disabled = !VALUED.has(op);
    if (this._texts) this._speak();
  }

  say(texts) {
    this._texts = texts;
    this._speak();
    this._log.replaceChildren(...this._lines.map((line) => this._draw(line)));
  }

  _speak() {
    const words = this._texts.keys;
    [this._key.placeholder, this._key.ariaLabel] = [words.key, words.key];
    [this._value.placeholder, this._value.ariaLabel] = [VALUED.has(this._op) ? words.value : words.noValue, words.value];
    say(this._send, words.send);
    say(this._hint, words.hints[this._op]);
  }

  /** The next command is about this key. */
  about(key) {
    this._key.value = plain(key);
    this._about = key;
  }

  /** Have what is typed next go here. */
  focus() {
    this._key.focus();
    this._key.select();
  }

  /** Do what stands in the box. */
  async send() {
    const op = this._op;
    if (!this._key.value) return this._key.focus();
    const line = { op, key: this._about ?? posted(this._key.value), answer: null, error: null };
    const body = { op, key: line.key };
    if (VALUED.has(op)) [body.value, line.value] = [posted(this._value.value), this._value.value];
    this._lines.unshift(line);
    this._lines.length = Math.min(this._lines.length, LINES_MAX);
    this._show(line);
    try {
      line.answer = await this._page.control.call("/v1/kv", body);
    } catch (error) {
      line.error = error;
    }
    this._show(line);
    if (line.answer) this._done(line.answer);
    this._page.changed();
  }

  /** A line anew, or a new one on top. */
  _show(line) {
    const before = line.element;
    const drawn = this._draw(line);
    if (before?.isConnected) before.replaceWith(drawn);
    else this._log.prepend(drawn);
    while (this._log.children.length > LINES_MAX) this._log.lastElementChild.remove();
  }

  _draw(line) {
    const words = this._texts.keys;
    const { answer, error } = line;
    const item = document.createElement("li");
    item.className = error ? "bad" : answer ? "good" : "waits";
    const head = put(item, "div", "box-line");
    put(head, "i", "", error ? "✕" : answer ? "✓" : "…").ariaHidden = "true";
    put(head, "span", "box-what", line.op);
    putStored(put(head, "span", "data-key"), line.key, 60);
    if (answer) put(head, "span", "box-took", words.took(answer.took_us));
    const told = put(item, "div", "box-told");
    if (error) put(told, "span", "box-error", error.message);
    else if (answer) this._tell(told, answer, words);
    else put(told, "span", "data-soft", words.waits);
    line.element = item;
    return item;
  }

  _tell(told, answer, words) {
    if (answer.value !== undefined) {
      this._tellValue(told, answer.value, words);
      if (answer.bytes > LETTERS) put(told, "span", "data-soft", words.cut(show(answer.bytes)));
      if (!answer.bytes) put(told, "span", "data-soft", words.emptyValue);
    }
    put(told, "span", "data-soft", words.came[answer.op](answer, show));
    const explain = put(told, "button", "box-explain", words.explain);
    Object.assign(explain, { type: "button", title: words.explainTitle, onclick: () => this._explain(answer.tag) });
  }

  /** A value, or the beginning of one that is long. */
  _tellValue(told, said, words) {
    const letters = lettersOf(said);
    const long = letters.length > LETTERS;
    const text = put(told, long ? "button" : "span", "data-text");
    putLetters(text, letters.slice(0, LETTERS));
    if (!long) return;
    put(text, "span", "data-soft", "…");
    Object.assign(text, { type: "button", title: words.wholeTitle, ariaExpanded: "false" });
    text.onclick = () => {
      const open = text.ariaExpanded !== "true";
      text.ariaExpanded = String(open);
      text.replaceChildren();
      putLetters(text, open ? letters : letters.slice(0, LETTERS));
      if (!open) put(text, "span", "data-soft", "…");
    };
  }

  /** What the command with this tag was, in a few words; empty for one that isn't of this box. */
  nameOf(tag) {
    const line = this._lines.find((one) => one.answer?.tag === tag);
    return line ? `${line.op} ${plain(line.key)}` : "";
  }

  _explain(tag) {
    this._page.panels.show("request");
    this._page.panels.view("request")?.explain({ tag });
  }
}
