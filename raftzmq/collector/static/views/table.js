// The nodes as a table: the same as the ring for who reads rather than looks, and for narrow screens.

import { show } from "../number.js";
import { put, say } from "../svg.js";

/** The cells of a row, as texts. */
function cellsOf(row, texts) {
  const role = row.heard ? texts.roles[row.role] ?? row.role ?? "–" : texts.conditions[row.condition];
  const dash = (value) => (value === null || value === undefined ? "–" : show(value));
  const stands = ["last_index", "stable_index", "commit_index", "applied_index"].map((name) => dash(row[name]));
  const timer = row.heard && row.role !== "leader" && row.election_due_us ? texts.milliseconds(row.election_due_us) : "–";
  const told = row.heard ? [dash(row.term), dash(row.leader), dash(row.voted_for)] : ["–", "–", "–"];
  return [row.name, role, ...told, ...stands, timer];
}

export class NodeTable {
  constructor(root, page) {
    this._page = page;
    const scroll = put(root, "div", "scroll");
    scroll.tabIndex = 0;
    const table = put(scroll, "table");
    table.id = "nodes";
    this._head = table.createTHead();
    this._body = table.createTBody();
    this._body.onclick = (event) => {
      const name = event.target.closest("tr").dataset.node;
      page.select(name === page.selected ? null : name);
    };
  }

  /** The heading, in the language of `texts`. */
  say(texts) {
    this._columns = texts.table.columns;
    this._head.replaceChildren();
    const line = put(this._head, "tr");
    for (const title of this._columns) put(line, "th", "", title).scope = "col";
  }

  draw({ rows, texts }) {
    while (this._body.rows.length > rows.length) this._body.lastElementChild.remove();
    rows.forEach((row, i) => {
      const line = this._body.rows[i] ?? this._make();
      line.className = row.heard ? row.role ?? "unknown" : row.condition;
      line.dataset.node = row.name;
      line.toggleAttribute("data-selected", row.name === this._page.selected);
      cellsOf(row, texts).forEach((cell, k) => say(line.cells[k], cell));
    });
  }

  _make() {
    const line = put(this._body, "tr");
    put(line, "th").scope = "row";
    for (let k = 1; k < this._columns.length; k++) put(line, "td");
    return line;
  }
}
