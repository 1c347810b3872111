// The panels below the ring: one is shown at a time, under its tab; the others neither draw nor ask for anything.

import { read, write } from "./kept.js";
import { put, say } from "./svg.js";
import { Charts } from "./views/charts.js";
import { LogGrid } from "./views/grid.js";
import { Labs } from "./views/labs.js";
import { KeyBrowser } from "./views/keys.js";
import { LamportDiagram } from "./views/lamport.js";
import { RequestExplained } from "./views/request.js";
import { LinkMatrix } from "./views/links.js";
import { NodeTable } from "./views/table.js";

/** By name, which is also that of its words: what is made in the panel. */
const VIEWS = {
  table: NodeTable,
  grid: LogGrid,
  lamport: LamportDiagram,
  links: LinkMatrix,
  charts: Charts,
  keys: KeyBrowser,
  request: RequestExplained,
  labs: Labs,
};

export class Panels {
  /** `tabs` and `stack` are the elements for the tabs and the panels; `page` is handed to each view. */
  constructor(tabs, stack, page) {
    this._page = page;
    this._place = stack.parentElement;
    this._parts = new Map();
    for (const [name, View] of Object.entries(VIEWS)) {
      const tab = put(tabs, "button", "tab");
      const root = put(stack, "section", `panel panel-${name}`);
      Object.assign(tab, { type: "button", id: `tab-${name}`, onclick: () => this.show(name) });
      Object.assign(root, { id: `panel-${name}`, hidden: true });
      tab.role = "tab";
      root.role = "tabpanel";
      tab.setAttribute("aria-controls", root.id);
      root.setAttribute("aria-labelledby", tab.id);
      this._parts.set(name, { tab, root, view: new View(root, page) });
    }
    tabs.onkeydown = (event) => this._press(event);
    this._number(page.keys);
    const asked = new URLSearchParams(location.search).get("panel") ?? read("panel");
    this.show(this._parts.has(asked) ? asked : this.names[0]);
  }

  /** The names of all panels, in the order of their tabs. */
  get names() {
    return [...this._parts.keys()];
  }

  /** A panel's view, by name. */
  view(name) {
    return this._parts.get(name)?.view;
  }

  /** Bring a panel to the front. */
  show(name) {
    if (!this._parts.has(name)) return;
    if (this.shown) this._bringIntoSight();
    if (name === this.shown) return;
    this._parts.get(this.shown)?.view.shown?.(false);
    this.shown = name;
    for (const [other, { tab, root }] of this._parts) {
      tab.ariaSelected = String(other === name);
      tab.tabIndex = other === name ? 0 : -1;
      root.hidden = other !== name;
    }
    const { tab, view } = this._parts.get(name);
    tab.parentElement.scrollTo?.({ left: tab.offsetLeft - 60 });
    view.shown?.(true);
    write("panel", name);
    this._page.changed();
  }

  /** The types of single messages that the panel in front needs. */
  get types() {
    return this._parts.get(this.shown)?.view.types ?? [];
  }

  say(texts) {
    for (const [name, { tab, view }] of this._parts) {
      say(tab, texts[name].title);
      view.say?.(texts);
    }
  }

  begin(state, events) {
    for (const { view } of this._parts.values()) view.begin?.(state, events);
  }

  take(events) {
    for (const { view } of this._parts.values()) view.take?.(events);
  }

  /** Draw the panel in front; says whether it moves by itself. */
  draw(frame) {
    return this._parts.get(this.shown)?.view.draw(frame) === true;
  }

  /** Who asks for a panel wants to see it: the page goes down as far as that needs, never further than its tabs. */
  _bringIntoSight() {
    const { top, bottom } = this._place.getBoundingClientRect();
    const below = document.getElementById("timeline")?.offsetHeight ?? 0;
    const above = document.querySelector(".bar").getBoundingClientRect().bottom;
    const hidden = Math.min(bottom - (innerHeight - below), top - Math.max(above, 0));
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (hidden > 4) scrollBy({ top: hidden, behavior: still ? "instant" : "smooth" });
  }

  /** 1 for the first panel, 2 for the second … */
  _number(keys) {
    const names = this.names.slice(0, 9);
    names.forEach((name, i) => keys.add(String(i + 1), () => this.show(name), (texts) => texts[name].title, "views"));
  }

  /** The arrows go from tab to tab. */
  _press(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const { names } = this;
    this.show(names[(names.indexOf(this.shown) + by + names.length) % names.length]);
    this._parts.get(this.shown).tab.focus();
    event.preventDefault();
  }
}
