// Every link of the cluster: a row for each node that sends, a column for each that is sent to, and what is wrong.

import { faultsOf, leftOf, partsOf } from "../faults_words.js";
import { put, say } from "../svg.js";

const NODES_MAX = 20; // more make a table that nobody reads: then only those with faults are shown

export class LinkMatrix {
  constructor(root, page) {
    this._page = page;
    const head = put(root, "div", "links-head");
    this._hint = put(head, "p");
    const scroll = put(root, "div", "scroll");
    const table = put(scroll, "table");
    table.id = "links";
    this._head = table.createTHead();
    this._body = table.createTBody();
    table.onclick = (event) => this._open(event.target.closest("button"));
    this._key = null;
  }

  begin() {
    this._key = null;
  }

  say() {
    this._key = null;
  }

  draw({ state, rows, texts }) {
    const faults = faultsOf(state);
    const bar = this._page.slots.get("faults");
    const why = bar?.why ?? "readOnly";
    const words = texts.links;
    const all = rows.length <= NODES_MAX;
    const shown = all ? rows : rows.filter((row) => faults.some(({ from, to }) => from === row.name || to === row.name)).slice(0, NODES_MAX);
    const hint = why ? texts.faults.why[why] : all ? words.hint : words.many(rows.length);
    say(this._hint, hint);
    const names = shown.map((row) => row.name);
    const key = `${names.join("\n")} ${texts.links.title}`;
    if (key !== this._key) this._build(names, words);
    this._key = key;
    const wrong = new Map(faults.map(({ from, to, fault }) => [`${from}\n${to}`, fault]));
    shown.forEach((from, i) => {
      shown.forEach((to, k) => {
        if (i === k) return;
        this._cell(this._body.rows[i].cells[k + 1].firstElementChild, from, to, wrong.get(`${from.name}\n${to.name}`), { state, texts, why });
      });
    });
  }

  _build(names, words) {
    this._head.replaceChildren();
    this._body.replaceChildren();
    const heading = put(this._head, "tr");
    put(heading, "th", "corner", words.corner).scope = "col";
    for (const name of names) put(heading, "th", "", name).scope = "col";
    for (const from of names) {
      const line = put(this._body, "tr");
      put(line, "th", "", from).scope = "row";
      for (const to of names) {
        const cell = put(line, "td");
        if (from === to) {
          cell.className = "itself";
          continue;
        }
        const button = put(cell, "button");
        button.type = "button";
        Object.assign(button.dataset, { from, to });
      }
    }
  }

  _cell(button, from, to, fault, { state, texts, why }) {
    const kind = !from.heard ? "unknown" : fault === undefined ? "sound" : fault.cut ? "cut" : "spoiled";
    const left = fault === undefined ? null : leftOf(fault, state.all.time_ms);
    const parts = fault === undefined ? [] : partsOf(fault, texts.faults);
    const mark = { unknown: "?", sound: "✓", cut: "✕", spoiled: "≈" }[kind];
    say(button, [mark, ...parts, left === null ? "" : `(${texts.faults.seconds(left)})`].filter(Boolean).join(" "));
    if (button.className !== kind) button.className = kind;
    button.disabled = why !== "";
    const told = `${from.name} → ${to.name}: ${kind === "spoiled" || kind === "cut" ? parts.join(", ") : texts.links.kinds[kind]}`;
    if (button.title !== told) button.title = button.ariaLabel = told;
  }

  _open(button) {
    if (button) this._page.slots.get("faults").dialog.open(button.dataset.from, button.dataset.to);
  }
}
