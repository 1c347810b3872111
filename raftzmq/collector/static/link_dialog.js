// What is to be wrong with the messages from one node to another: a form, for both directions or one.

import { partsOf } from "./faults_words.js";
import { put, say } from "./svg.js";

/** By name: the largest value, the step, and what a first touch proposes. */
const FIELDS = { drop: [100, 1], delay: [2000, 10], jitter: [1000, 10], duplicate: [100, 1] };
const PRESETS = {
  cut: { cut: true },
  lossy: { drop: 30 },
  slow: { delay: 150, jitter: 50 },
  twice: { duplicate: 50 },
};

export class LinkDialog {
  /** `span()` gives the seconds that are chosen on the bar. */
  constructor(page, span) {
    this._page = page;
    this._span = span;
    const dialog = put(document.body, "dialog", "link-dialog");
    dialog.id = "link-dialog";
    this._dialog = dialog;
    this._title = put(dialog, "h2");
    this._title.id = "link-title";
    dialog.setAttribute("aria-labelledby", this._title.id);
    this._now = put(dialog, "p", "link-now");
    this._presets = put(dialog, "div", "link-presets");
    this._buttons = {};
    for (const name of Object.keys(PRESETS)) this._button(this._presets, name, () => this._fill(PRESETS[name])).dataset.preset = name;
    const form = put(dialog, "div", "link-fields");
    this._cut = this._check(form, "cutField");
    this._fields = Object.fromEntries(Object.keys(FIELDS).map((name) => [name, this._range(form, name)]));
    this._both = this._check(form, "both");
    const line = put(dialog, "p");
    this._button(line, "close", () => dialog.close());
    this._button(line, "sound", () => this._heal());
    this._button(line, "apply", () => this._apply());
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }

  _button(place, name, run) {
    const button = put(place, "button", `link-${name}`);
    Object.assign(button, { type: "button", id: `link-${name}`, onclick: run });
    this._buttons[name] = button;
    return button;
  }

  _check(form, name) {
    const label = put(form, "label", "link-check");
    const box = put(label, "input");
    Object.assign(box, { type: "checkbox", id: `link-${name}`, oninput: () => this._changed() });
    box.word = put(label, "span");
    return box;
  }

  _range(form, name) {
    const label = put(form, "label", "link-range");
    const word = put(label, "span");
    const input = put(label, "input");
    const [max, step] = FIELDS[name];
    Object.assign(input, { type: "range", min: 0, max, step, value: 0, id: `link-${name}`, oninput: () => this._changed() });
    return Object.assign(input, { word, told: put(label, "output") });
  }

  say(texts) {
    const words = texts.links;
    for (const [name, button] of Object.entries(this._buttons)) say(button, words.buttons[name]);
    for (const name of Object.keys(FIELDS)) say(this._fields[name].word, words.fields[name]);
    say(this._cut.word, words.fields.cut);
    this._texts = texts;
    if (this._dialog.open) this._changed();
  }

  /** For the link from one node to another, as it is now. */
  open(from, to) {
    this._ends = [from, to];
    const fault = this._fault();
    this._fill(fault ? { cut: fault.cut, drop: fault.drop_ppm / 1e4, delay: fault.delay_us / 1e3, jitter: fault.jitter_us / 1e3, duplicate: fault.duplicate_ppm / 1e4 } : {});
    this._both.checked = false;
    this._changed();
    if (!this._dialog.open) this._dialog.showModal();
    this._buttons.cut.focus();
  }

  _fault() {
    const [from, to] = this._ends;
    return this._page.player.state.all.links[from]?.[to];
  }

  _fill(values) {
    this._cut.checked = values.cut === true;
    for (const [name, input] of Object.entries(this._fields)) {
      input.max = Math.max(FIELDS[name][0], values[name] ?? 0);
      input.value = values[name] ?? 0;
    }
    this._changed();
  }

  _changed() {
    const { links: words } = this._texts;
    const [from, to] = this._ends;
    say(this._title, words.link(from, to, this._both.checked));
    say(this._both.word, words.both(from, to));
    for (const [name, input] of Object.entries(this._fields)) {
      input.disabled = this._cut.checked;
      say(input.told, name === "drop" || name === "duplicate" ? `${input.value} %` : `${input.value} ms`);
    }
    for (const [name, button] of Object.entries(this._buttons)) {
      if (PRESETS[name]) button.ariaPressed = String(this._is(PRESETS[name]));
    }
    this._buttons.apply.disabled = !this._cut.checked && Object.values(this._fields).every((input) => Number(input.value) === 0);
    say(this._buttons.apply, words.buttons.apply + words.forSpan(this._span()));
    this._page.changed();
  }

  _is(values) {
    return this._cut.checked === (values.cut === true) && Object.entries(this._fields).every(([name, input]) => Number(input.value) === (values[name] ?? 0));
  }

  draw({ state, texts }) {
    if (!this._dialog.open) return;
    if (!this._page.player.live) return void this._dialog.close();
    const fault = this._fault();
    const left = fault && fault.until_ms !== null ? Math.max(0, Math.ceil((fault.until_ms - state.all.time_ms) / 1000)) : null;
    say(this._now, fault ? texts.links.now(partsOf(fault, texts.faults).join(", "), left) : texts.links.soundNow);
    this._buttons.sound.disabled = fault === undefined;
  }

  async _apply() {
    const [from, to] = this._ends;
    const cut = this._cut.checked;
    const value = (name) => (cut ? 0 : Number(this._fields[name].value));
    const faults = { cut, drop: value("drop") / 100, duplicate: value("duplicate") / 100, delay_ms: value("delay"), jitter_ms: value("jitter") };
    const asked = { action: "link", from, to, ...faults, both: this._both.checked, for_s: this._span() };
    if (await this._page.slots.get("faults").post(asked)) this._dialog.close();
  }

  async _heal() {
    const [from, to] = this._ends;
    if (await this._page.slots.get("faults").post({ action: "heal", from, to, both: this._both.checked })) this._dialog.close();
  }
}
