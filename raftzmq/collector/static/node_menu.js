// What can be done to a node, beside the node: by a right click, a long press, or the menu key on it.

import { put, say } from "./svg.js";

const GAP = 8;

export class NodeMenu {
  /**
   * `actions`: their names. `told`: `choose(name)` chooses the node that the menu is for, `chosen()` gives all that are
   * chosen, `why(action)` says why an action makes no sense now ("" if it does), and `act(action)` does it.
   */
  constructor(ring, actions, told) {
    this._told = told;
    this._menu = put(document.body, "div", "node-menu");
    Object.assign(this._menu, { id: "node-menu", role: "menu", hidden: true });
    this._title = put(this._menu, "h3");
    this._items = actions.map((action) => {
      const item = put(this._menu, "button");
      Object.assign(item, { type: "button", role: "menuitem", onclick: () => this._do(action) });
      item.dataset.menu = action;
      return item;
    });
    this._why = put(this._menu, "p");
    ring.addEventListener("contextmenu", (event) => this._open(event));
    this._menu.addEventListener("keydown", (event) => this._press(event));
    document.addEventListener("pointerdown", (event) => this._menu.contains(event.target) || this.close());
    addEventListener("resize", () => this.close());
    addEventListener("scroll", () => this.close(), { passive: true });
  }

  /** Take it away. Says whether it was there. */
  close() {
    const shown = !this._menu.hidden;
    this._menu.hidden = true;
    if (shown && this._menu.contains(document.activeElement)) this._node?.focus({ preventScroll: true });
    return shown;
  }

  /** The words; `why` is the sentence that says why nothing can be done at all, "" if something can. */
  draw(words, why) {
    if (this._menu.hidden) return;
    for (const item of this._items) {
      const { menu: action } = item.dataset;
      const not = why || words.not[this._told.why(action)] || "";
      say(item, words.buttons[action]);
      item.ariaDisabled = String(not !== "");
      item.title = not;
    }
    say(this._why, why);
  }

  _open(event) {
    const node = event.target.closest("[data-node]");
    if (node === null) return;
    event.preventDefault();
    this._node = node;
    this._told.choose(node.dataset.node);
    say(this._title, this._told.chosen().join(", "));
    this._menu.hidden = false;
    this._told.changed();
    this._place(node.querySelector(".shape").getBoundingClientRect());
    this._items[0].focus({ preventScroll: true });
  }

  /** Beside the node, on the side where there is room. */
  _place(box) {
    const { width, height } = this._menu.getBoundingClientRect();
    const right = box.right + GAP + width < innerWidth;
    const left = right ? box.right + GAP : Math.max(GAP, box.left - GAP - width);
    const top = Math.max(GAP, Math.min(box.top, innerHeight - height - GAP));
    this._menu.style.left = `${Math.round(left)}px`;
    this._menu.style.top = `${Math.round(top)}px`;
  }

  _do(action) {
    this.close();
    this._told.act(action);
  }

  _press(event) {
    const at = this._items.indexOf(document.activeElement);
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) this._items.at((at + by) % this._items.length).focus();
    else if (event.key === "Tab") this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
