// The list of bookmarks above its button: to go to one, to name it, to take it away; the steps of a lab among them.

import { put, say } from "./svg.js";
import { clock } from "./wall_clock.js";

export class MarkList {
  constructor(page, timeline) {
    this._page = page;
    this._timeline = timeline;
    page.keys.onEscape(() => this._box && !this._box.hidden && (this.toggle(), true));
    document.addEventListener("pointerdown", (event) => {
      if (this._box && !this._box.hidden && !event.target.closest(".time-marks, #time-marks")) this.toggle();
    });
  }

  /** Belongs to this button. */
  attach(button) {
    this._button = button;
    this._count = put(button, "span", "count");
    this._box = put(button.parentElement, "div", "time-marks");
    this._box.hidden = true;
    button.setAttribute("aria-expanded", "false");
    this._title = put(this._box, "h3");
    this._list = put(this._box, "ol");
    this._hint = put(this._box, "p");
    this._keep = put(this._box, "button", "keep");
    Object.assign(this._keep, { type: "button", onclick: () => this.keep() });
  }

  say(texts) {
    say(this._title, texts.timeline.marks);
    say(this._hint, texts.timeline.marksHint);
    say(this._keep, texts.timeline.keep);
    this.changed();
  }

  toggle() {
    this._box.hidden = !this._box.hidden;
    this._button.setAttribute("aria-expanded", String(!this._box.hidden));
    if (!this._box.hidden) this.changed();
  }

  /** Mark the moment that is shown, and let its name be typed. */
  keep() {
    const { texts } = this._page.settings;
    const { player } = this._page;
    if (player.live) player.pause();
    const { state, position } = player;
    const ms = Math.round(player.now);
    const { leader } = state;
    const name = leader === null ? texts.nobody : `${texts.leads(leader)}, ${texts.termWord} ${state.all.leader_term}`;
    this._timeline.bookmarks.add(position, ms, name);
    if (this._box.hidden) this.toggle();
    this.changed();
    const input = this._list.querySelector(`[data-position="${position}"] input`);
    input?.focus();
    input?.select();
  }

  /** There are others. */
  changed() {
    const { texts, language } = this._page.settings;
    const all = this._timeline.bookmarks.all(language);
    say(this._count, all.length ? String(all.length) : "");
    this._timeline._again();
    if (this._box.hidden) return;
    this._list.replaceChildren();
    for (const one of all) this._line(one, texts);
    this._hint.hidden = all.length > 0;
  }

  _line(one, texts) {
    const line = put(this._list, "li", one.own ? "own" : "step");
    line.dataset.position = one.position;
    const go = put(line, "button", "go", one.ms ? clock(one.ms, texts.timeline.locale) : texts.timeline.position(one.position));
    go.type = "button";
    go.onclick = () => this._page.player.goTo({ position: one.position }).catch((error) => this._page.toast(error.message, "bad"));
    if (!one.own) {
      put(line, "span", "", one.name);
      return;
    }
    const input = put(line, "input");
    Object.assign(input, { value: one.name, maxLength: 120, ariaLabel: texts.timeline.name });
    input.onchange = () => this._timeline.bookmarks.rename(one.position, input.value);
    input.onkeydown = (event) => event.key === "Enter" && input.blur();
    const away = put(line, "button", "away", "✕");
    Object.assign(away, { type: "button", title: texts.timeline.away, ariaLabel: texts.timeline.away });
    away.onclick = () => {
      this._timeline.bookmarks.remove(one.position);
      this.changed();
    };
  }
}
