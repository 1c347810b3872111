// The labs: what each shows, how it ran last and by which events, and its steps as places to look at above.

import { put, say } from "../svg.js";
import { LabCard } from "./labs_card.js";

const PATH = "/v1/labs";
/** While the panel is in front: a lab may be running. */
const EVERY_MS = 5000;

export class Labs {
  constructor(root, page) {
    this._page = page;
    this._labs = null;
    this._chosen = null;
    this._failed = false;
    this._front = false;
    this._buttons = new Map();
    const body = put(root, "div", "labs-body");
    const side = put(body, "nav", "labs-side");
    this._title = put(side, "h3");
    this._list = put(side, "ol", "labs-list");
    this._list.id = "labs-list";
    this._list.onclick = (event) => this._choose(event.target.closest("button")?.dataset.lab);
    const main = put(body, "section", "labs-main");
    main.id = "lab";
    main.tabIndex = 0;
    this._notice = put(main, "p", "data-empty");
    this._again = put(main, "button", "labs-again");
    Object.assign(this._again, { type: "button", hidden: true, onclick: () => this._ask() });
    this._card = new LabCard(put(main, "article", "lab"), page);
    this._main = main;
  }

  say(texts) {
    this._texts = texts.labs;
    this._language = this._page.settings.language;
    say(this._title, texts.labs.list);
    say(this._again, texts.labs.again);
    this._show();
  }

  shown(front) {
    this._front = front;
    clearInterval(this._timer);
    if (!front) return;
    this._ask();
    this._timer = setInterval(() => document.hidden || this._ask(), EVERY_MS);
  }

  /** The step at the moment that is shown is marked, if the page shows this lab's recording. */
  draw() {
    const { player } = this._page;
    const open = player.live ? undefined : this._labs?.find((lab) => lab.run?.recording === player.recording);
    if (open && open.name !== this._chosen && !this._picked) {
      this._chosen = open.name;
      this._show();
    }
    this._card.mark(player);
  }

  async _ask() {
    try {
      const response = await fetch(PATH);
      if (!response.ok) throw new Error(String(response.status));
      const text = await response.text();
      this._failed = false;
      if (text === this._told) return;
      this._told = text;
      this._labs = JSON.parse(text).labs;
      this._chosen ??= this._first();
    } catch {
      this._failed = true;
    }
    this._show();
  }

  /** The lab whose recording is open, or the one that ran last, or the first. */
  _first() {
    const open = this._labs.find((lab) => lab.run?.recording === this._page.player.recording);
    const ran = this._labs.filter((lab) => lab.run).sort((a, b) => b.run.began_ms - a.run.began_ms)[0];
    return (open ?? ran ?? this._labs[0])?.name ?? null;
  }

  _choose(name) {
    if (name === undefined) return;
    this._chosen = name;
    this._picked = true;
    this._main.scrollTop = 0;
    this._show();
    if (getComputedStyle(this._list).overflowY === "visible") this._main.scrollIntoView();
  }

  _show() {
    if (!this._texts) return;
    const lab = this._labs?.find((one) => one.name === this._chosen);
    say(this._notice, this._failed ? this._texts.unreachable : this._labs === null ? this._texts.loading : "");
    this._notice.hidden = lab !== undefined && !this._failed;
    this._again.hidden = !this._failed;
    this._showList();
    this._card.show(lab, this._texts, this._language);
    this._page.changed();
  }

  _showList() {
    for (const lab of this._labs ?? []) {
      const button = this._buttons.get(lab.name) ?? this._make(lab.name);
      const [mark, title, name] = button.children;
      const stands = lab.run === null ? "never" : lab.run.verdict.green ? "green" : "red";
      say(mark, { never: "·", green: "✓", red: "✗" }[stands]);
      mark.title = this._texts[stands];
      say(title, lab.title[this._language]);
      say(name, lab.name);
      button.dataset.stands = stands;
      button.ariaLabel = `${lab.title[this._language]}: ${this._texts[stands]}`;
      button.ariaCurrent = String(lab.name === this._chosen);
    }
  }

  _make(name) {
    const button = put(put(this._list, "li"), "button", "labs-line");
    button.type = "button";
    button.dataset.lab = name;
    put(button, "b");
    put(button, "span", "labs-title");
    put(button, "code");
    this._buttons.set(name, button);
    return button;
  }
}
