// Five steps around the page, for who comes here the first time: what to look at, and what it means.

import { read, write } from "./kept.js";
import { put, say } from "./svg.js";

/** What each step points at: the first of these that is in sight. */
const STEPS = [["#headlines"], ["#stage"], ["#happenings"], ["#timeline", "#stage"], ["#tabs"]];
const GAP = 12;

export class Tour {
  constructor(page) {
    this._page = page;
    this._step = -1;
    this._before = null;
    page.keys.onEscape(() => this.running && (this.end(), true));
    page.keys.add("0", () => this.begin(), (texts) => texts.meanings.tour);
    addEventListener("resize", () => this._place());
    addEventListener("scroll", () => this._place(), { passive: true });
  }

  get running() {
    return this._step >= 0;
  }

  /** Begin by itself, if this is a first visit by somebody: a program that drives the browser comes to work. */
  offer() {
    const asked = new URLSearchParams(location.search).get("tour");
    const first = read("tour") === null && !navigator.webdriver && !this._page.settings.presenter;
    if (asked === "on" || (first && asked !== "off")) this.begin();
  }

  begin() {
    if (this._page.settings.presenter) this._page.settings.togglePresenter();
    if (!this.running) this._before = document.activeElement;
    this._make();
    this._go(0);
  }

  /** Over, whether it was seen to its end or not: it doesn't come by itself again. */
  end() {
    write("tour", "seen");
    this._step = -1;
    this._box?.remove();
    this._light?.remove();
    this._box = this._light = null;
    this._before?.focus?.({ preventScroll: true });
  }

  /** The words, in another language. */
  say() {
    if (this.running) this._go(this._step);
  }

  _make() {
    if (this._box) return;
    this._light = put(document.body, "div", "tour-light");
    this._box = put(document.body, "div", "tour");
    Object.assign(this._box, { id: "tour", role: "dialog" });
    this._box.setAttribute("aria-labelledby", "tour-title");
    this._box.setAttribute("aria-describedby", "tour-text");
    this._count = put(this._box, "p", "tour-count");
    Object.assign(put(this._box, "h2"), { id: "tour-title" });
    Object.assign(put(this._box, "p"), { id: "tour-text" });
    const row = put(this._box, "div", "tour-row");
    for (const name of ["skip", "back", "next"]) Object.assign(put(row, "button", name), { type: "button", id: `tour-${name}` });
    row.children[0].onclick = () => this.end();
    row.children[1].onclick = () => this._go(this._step - 1);
    row.children[2].onclick = () => (this._step === STEPS.length - 1 ? this.end() : this._go(this._step + 1));
    this._box.onkeydown = (event) => this._press(event);
  }

  /** Tab goes round within the box; the arrows are another way to turn pages. */
  _press(event) {
    const buttons = [...this._box.querySelectorAll("button:not([disabled])")];
    const at = buttons.indexOf(document.activeElement);
    if (event.key === "Tab") buttons[(at + (event.shiftKey ? buttons.length - 1 : 1)) % buttons.length].focus();
    else if (event.key === "ArrowRight" && this._step < STEPS.length - 1) this._go(this._step + 1);
    else if (event.key === "ArrowLeft" && this._step > 0) this._go(this._step - 1);
    else return;
    event.preventDefault();
  }

  _go(step) {
    const words = this._page.settings.texts.tour;
    this._step = step;
    const [title, text] = words.steps[step];
    say(this._count, words.of(step + 1, STEPS.length));
    say(this._box.querySelector("h2"), title);
    say(this._box.querySelector("#tour-text"), text);
    const [skip, back, next] = this._box.querySelectorAll("button");
    say(skip, words.skip);
    say(back, words.back);
    say(next, step === STEPS.length - 1 ? words.done : words.next);
    back.disabled = step === 0;
    this._target()?.scrollIntoView({ block: "nearest", behavior: "instant" });
    this._place();
    next.focus({ preventScroll: true });
  }

  _target() {
    const found = (STEPS[this._step] ?? []).map((name) => document.querySelector(name));
    return found.find((element) => element && element.getBoundingClientRect().height > 0);
  }

  /** The light around what is shown, and the box beside it, wholly in sight. */
  _place() {
    const target = this.running && this._target();
    if (!target) return;
    const at = target.getBoundingClientRect();
    Object.assign(this._light.style, {
      left: `${at.left - 6}px`,
      top: `${at.top - 6}px`,
      width: `${at.width + 12}px`,
      height: `${at.height + 12}px`,
    });
    const { offsetWidth: width, offsetHeight: height } = this._box;
    const [wide, high] = [document.documentElement.clientWidth, innerHeight];
    const fits = (top) => top >= GAP && top + height <= high - GAP;
    const below = at.bottom + GAP + 6;
    const above = at.top - height - GAP - 6;
    const beside = at.right + GAP + 6 + width <= wide - GAP ? at.right + GAP + 6 : at.left - width - GAP - 6;
    const within = Math.min(Math.max(at.left + (at.width - width) / 2, GAP), wide - width - GAP);
    const [left, top] = fits(below) ? [within, below] : fits(above) ? [within, above] : [beside, at.top + 24];
    this._box.style.left = `${Math.max(GAP, Math.min(left, wide - width - GAP))}px`;
    this._box.style.top = `${Math.max(GAP, Math.min(top, high - height - GAP))}px`;
  }
}
