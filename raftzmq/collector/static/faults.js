// The bar above the ring: what can be done to the nodes that are chosen, and to all of them; and why not, if not.

import { faultsOf, groupsOf } from "./faults_words.js";
import { Lasso } from "./lasso.js";
import { LinkDialog } from "./link_dialog.js";
import { NodeMenu } from "./node_menu.js";
import { RingFaults } from "./ring_faults.js";
import { put, say } from "./svg.js";

/** What is done to nodes, with the key for it. */
const ACTIONS = { kill: "K", pause: "Z", resume: "U", restart: "R", elect: "E", part: "X" };
/** Seconds after which a fault of links ends by itself; 0: when it is healed. */
export const SPANS = [3, 5, 10, 30, 60, 0];
const SPAN = 10;
const AWAKE_MS = 2000;

export class Faults {
  constructor(root, page) {
    this._page = page;
    this._root = root;
    this._chosen = new Set();
    this._busy = new Set();
    this._make(root);
    const ring = document.getElementById("ring");
    this._drawing = new RingFaults(ring, page.ring);
    this.dialog = new LinkDialog(page, () => Number(this._span.value));
    this.lasso = new Lasso(ring, page.ring, {
      may: () => this.why === "",
      drew: (names, more) => this._drew(names, more),
      linked: (from, to) => this.dialog.open(from, to),
      follows: (from, to) => this._follows(from, to),
    });
    this.menu = new NodeMenu(ring, Object.keys(ACTIONS), {
      choose: (name) => this._chosen.has(name) || this.choose([name]),
      chosen: () => this.chosen,
      why: (action) => this._why(action),
      act: (action) => this.act(action),
      changed: () => page.changed(),
    });
    ring.addEventListener("click", (event) => this._clicked(event), true);
    ring.addEventListener("keydown", (event) => this._pressed(event), true);
    page.onSelect((name) => this.choose(name === null ? [] : [name]));
    page.control.onChange(() => page.changed());
    this._arrange(page.keys);
  }

  _make(root) {
    root.classList.add("faults");
    const row = put(root, "div", "faults-row");
    row.role = "toolbar";
    this._row = row;
    this._who = put(row, "output", "faults-who");
    this._who.id = "faults-who";
    this._buttons = new Map();
    for (const action of Object.keys(ACTIONS)) this._button(row, action, () => this.act(action));
    this._button(row, "draw", () => this._arm(!this.lasso.armed)).ariaPressed = "false";
    this._span = put(row, "select");
    this._span.id = "faults-for";
    this._button(row, "heal", () => this.act("heal"));
    this._say = put(root, "p", "faults-say");
    this._say.id = "faults-say";
    for (const kind of ["pointerover", "focusin"]) row.addEventListener(kind, (event) => this._point(event.target.closest("[data-action]")));
    for (const kind of ["pointerleave", "focusout"]) row.addEventListener(kind, () => this._point(null));
  }

  _button(row, action, run) {
    const button = put(row, "button", `fault-${action}`);
    button.type = "button";
    button.dataset.action = action;
    button.onclick = run;
    this._buttons.set(action, button);
    return button;
  }

  _arrange(keys) {
    for (const [action, key] of Object.entries(ACTIONS)) keys.add(key, () => this.act(action), (texts) => texts.faults.keys[action], "faults");
    keys.add("D", () => this._arm(!this.lasso.armed), (texts) => texts.faults.keys.draw, "faults");
    keys.add("H", () => this.act("heal"), (texts) => texts.faults.keys.heal, "faults");
    keys.tell("⇧ ↵", (texts) => texts.faults.keys.more, "faults");
    keys.tell("▤", (texts) => texts.faults.keys.menu, "faults");
    keys.onEscape(() => {
      if (this.menu.close()) return true;
      if (this.lasso.forget()) return true;
      if (this.lasso.armed) return this._arm(false), true;
      return this._page.selected === null && this._chosen.size > 0 && (this.choose([]), true);
    });
  }

  /** The names of the nodes that are chosen. */
  get chosen() {
    return [...this._chosen];
  }

  /** Choose these nodes, and no others. */
  choose(names) {
    this._chosen = new Set(names);
    this._page.changed();
  }

  /** Why nothing can be broken, as the name of a sentence; "" if it can. */
  get why() {
    const { control, player } = this._page;
    if (!control.allowed) return control.tried ? "stale" : "readOnly";
    if (player && !player.live) return "past";
    return this._labs.length ? "" : "noLab";
  }

  get _labs() {
    const { nodes } = this._page.player?.state.all ?? { nodes: {} };
    return Object.keys(nodes).filter((name) => nodes[name].lab);
  }

  begin() {
    if (this._page.player.live) this._page.control.refresh(); // a collector that was started anew has another token
  }

  say(texts) {
    const words = texts.faults;
    this._row.ariaLabel = words.bar;
    for (const [action, button] of this._buttons) say(button, words.buttons[action]);
    const { value } = this._span;
    this._span.replaceChildren();
    for (const seconds of SPANS) put(this._span, "option", "", words.span(seconds)).value = seconds;
    this._span.value = value || SPAN;
    this._span.ariaLabel = this._span.title = words.spanTitle;
    this.dialog.say(texts);
  }

  draw(frame) {
    const words = frame.texts.faults;
    const { why } = this;
    const names = frame.rows.map((row) => row.name);
    for (const name of this._chosen) if (!names.includes(name)) this._chosen.delete(name);
    this._frame = frame;
    this._root.dataset.why = why;
    document.getElementById("ring").classList.toggle("breakable", why === "");
    if (why && this.lasso.armed) this._arm(false);
    say(this._who, this._chosen.size ? this.chosen.join(" ") : words.nobody);
    this._who.title = this.chosen.join(", ");
    this._span.disabled = why !== "";
    for (const [action, button] of this._buttons) {
      const not = why === "" && this._why(action);
      const stands = { ariaDisabled: String(why !== "" || not !== ""), ariaBusy: String(this._busy.has(action)) };
      for (const [name, value] of Object.entries(stands)) if (button[name] !== value) button[name] = value;
      if (button.disabled !== (why !== "")) button.disabled = why !== "";
    }
    this._tell(frame, words, why);
    this._drawing.draw(frame.state, why === "" ? this._chosen : new Set(), words);
    this.dialog.draw(frame);
    this.menu.draw(words, words.why[why] ?? "");
  }

  /** The line below the buttons: what one of them would do, what is drawn, what is broken, or how to go on. */
  _tell({ state, rows, texts }, words, why) {
    const { control } = this._page;
    let told = words.why[why] ?? "";
    if (!why && this._pointed) {
      const not = this._why(this._pointed);
      told = not ? words.not[not] : words.tells[this._pointed](this.chosen.join(", "), this._others(rows).join(", "), Number(this._span.value), control.supervised);
    } else if (!why && this._line) {
      told = words.follows(...this._line);
    } else if (!why && this.lasso.armed) {
      told = words.drawing;
    } else if (!why) {
      told = this._chosen.size > 1 ? words.several(this.chosen.join(", ")) : this._broken(state, rows, words) || words.hint;
    }
    say(this._say, told);
    this._say.title = told;
  }

  /** What is broken now; "" if nothing is. */
  _broken(state, rows, words) {
    const names = rows.map((row) => row.name);
    const faults = faultsOf(state);
    const groups = groupsOf(names, faults);
    const parted = groups.length > 1 ? words.parted(groups.map((group) => group.join(", ")).join(" / ")) : "";
    const of = new Map(groups.flatMap((group, i) => group.map((name) => [name, i])));
    const others = faults.filter(({ from, to, fault }) => !fault.cut || of.get(from) === of.get(to)).length;
    const paused = rows.filter((row) => row.paused).map((row) => row.name);
    return [parted, others ? words.links(others) : "", paused.length ? words.paused(paused.join(", ")) : ""].filter(Boolean).join(" · ");
  }

  _others(rows) {
    return rows.map((row) => row.name).filter((name) => !this._chosen.has(name));
  }

  /** Why an action makes no sense now, as the name of a sentence; "" if it does. */
  _why(action) {
    if (action === "draw") return "";
    const rows = this._frame?.rows ?? [];
    if (action === "heal") return faultsOf(this._page.player.state).length || rows.some((row) => row.paused) ? "" : "sound";
    const chosen = rows.filter((row) => this._chosen.has(row.name));
    if (!chosen.length) return "nobody";
    if (action === "part") return chosen.length < rows.length ? "" : "all";
    if (action === "elect") return chosen.length > 1 ? "one" : !chosen[0].heard ? "gone" : chosen[0].role === "leader" ? "leads" : "";
    if (action === "restart") return this._page.control.supervised ? "" : "supervisor";
    if (action === "resume") return chosen.some((row) => row.paused) ? "" : "runs";
    if (action === "pause") return chosen.every((row) => row.paused) ? "stands" : chosen.every((row) => row.condition === "down") ? "gone" : "";
    return chosen.every((row) => row.condition === "down") ? "gone" : "";
  }

  /** Do it to the nodes that are chosen. */
  async act(action) {
    const { texts } = this._page.settings;
    const words = texts.faults;
    const not = this.why ? words.why[this.why] : words.not[this._why(action)];
    if (not) return this._page.toast(not, "info");
    if (this._busy.has(action)) return undefined;
    this._busy.add(action);
    this._page.changed();
    try {
      await (action === "heal" ? this._heal() : this._send(action));
    } finally {
      this._busy.delete(action);
      this._page.changed();
    }
    return undefined;
  }

  _send(action) {
    const rows = this._frame.rows.filter((row) => this._chosen.has(row.name));
    const for_s = Number(this._span.value);
    if (action === "part") return this.post({ action: "partition", groups: [this.chosen, this._others(this._frame.rows)], for_s });
    const able = { resume: (row) => row.paused, pause: (row) => !row.paused && row.condition !== "down", kill: (row) => row.condition !== "down" }[action];
    return this.post({ action, nodes: (able ? rows.filter(able) : rows).map((row) => row.name) });
  }

  /** Everything as it should be: links, and nodes that stand still. */
  async _heal() {
    const paused = this._frame.rows.filter((row) => row.paused).map((row) => row.name);
    if (paused.length && (await this.post({ action: "resume", nodes: paused }))) await this._awake(paused);
    if (faultsOf(this._page.player.state).length) await this.post({ action: "heal" });
  }

  /** Wait until the collector hears nodes again: before, it would not ask them to heal their links. */
  async _awake(names) {
    const end = performance.now() + AWAKE_MS;
    const asleep = async () => {
      const { nodes } = await this._page.control.read("/v1/state").catch(() => ({ nodes: [] }));
      return nodes.some((row) => names.includes(row.node) && !row.reachable);
    };
    while (performance.now() < end && (await asleep())) await new Promise((done) => setTimeout(done, 50));
  }

  /** Have the collector do something, and say what became of it: the answer, or null if it was refused. */
  async post(asked) {
    const words = this._page.settings.texts.faults;
    try {
      const said = await this._page.control.call("/v1/chaos", asked);
      const absent = said.absent.length ? ` ${words.absent(said.absent.join(", "))}` : "";
      this._page.toast(`${words.done[asked.action](said, asked)}${absent}`, "good");
      return said;
    } catch (refused) {
      this._page.toast(`${words.refused} ${refused.message}`, "bad");
      if (refused.code === 401 || refused.code === 403) this._page.control.refresh();
      return null;
    }
  }

  _arm(armed) {
    const not = armed && this.why ? this._page.settings.texts.faults.why[this.why] : "";
    if (not) return this._page.toast(not, "info");
    this.lasso.armed = armed;
    this._buttons.get("draw").ariaPressed = String(armed);
    return this._page.changed();
  }

  _drew(names, more) {
    this._arm(false);
    const all = more ? [...new Set([...this._chosen, ...names])] : names;
    if (this._page.selected !== null) this._page.select(null);
    this.choose(all);
    this._buttons.get("part").focus();
  }

  _follows(from, to) {
    this._line = from === null ? null : [from, to];
    this._page.changed();
  }

  /** With Shift, a click or ↵ on a node adds it to those that are chosen, or takes it out. */
  _toggle(event) {
    const name = event.target.closest("[data-node]")?.dataset.node;
    if (name === undefined || !event.shiftKey || this.why) return;
    event.stopPropagation();
    event.preventDefault();
    const chosen = new Set(this._chosen);
    if (!chosen.delete(name)) chosen.add(name);
    if (this._page.selected !== null) this._page.select(null);
    this.choose(chosen);
  }

  _clicked(event) {
    this._toggle(event);
  }

  _pressed(event) {
    if (event.key === "Enter" || event.key === " ") this._toggle(event);
  }

  _point(button) {
    this._pointed = button?.dataset.action ?? null;
    this._page.changed();
  }
}
