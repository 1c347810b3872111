// What the auditor says, in one line that is always there, and the whole of it for who asks.

import { plain } from "./stored.js";
import { put, say } from "./svg.js";

const MARKS = { waiting: "…", holds: "✓", unknown: "?", violated: "✕" };

/** `waiting`, `holds`, `unknown` or `violated`: where the audit of this state stands; `deaf` if nobody says more. */
export function auditOf(state, deaf = null) {
  if (state.violations) return "violated";
  if (deaf) return "unknown";
  if (Object.keys(state.unknown).length) return "unknown";
  return Object.keys(state.nodes).length ? "holds" : "waiting";
}

export class Audit {
  constructor(button, dialog) {
    this._button = button;
    this._dialog = dialog;
    button.onclick = () => dialog.showModal();
    dialog.querySelector(".close").onclick = () => dialog.close();
  }

  /** `deaf`: { s } seconds since the collector was heard, or null. */
  draw(state, texts, deaf = null) {
    const words = texts.audit;
    const stands = auditOf(state, deaf);
    const unknown = Object.entries(state.unknown);
    const latest = state.last_violations.at(-1);
    const key = JSON.stringify([stands, unknown, state.violations, latest, deaf?.s]);
    if (key === this._key && texts === this._texts) return;
    [this._key, this._texts] = [key, texts];
    const line = { waiting: words.waiting, holds: words.holds, unknown: deaf ? words.deaf(deaf.s) : words.unknown(unknown.length) }[stands];
    const said = line ?? words.violated(state.violations, latest?.rule ?? "?");
    const why = stands === "unknown" ? unknown.map(([source, reason]) => `${source}: ${reason}`).join("\n") : latest?.text ?? "";
    this._button.dataset.stands = stands;
    this._button.title = [said, stands === "violated" && latest?.recording ? words.recording(plain(latest.recording)) : "", why].filter(Boolean).join("\n");
    say(this._button.querySelector("i"), MARKS[stands]);
    const name = stands === "violated" && latest?.recording ? ` · ${plain(latest.recording)}` : "";
    say(this._button.querySelector("span"), said + name);
    this._explain(state, stands, texts, deaf);
  }

  _explain(state, stands, texts, deaf) {
    const words = texts.audit;
    const dialog = this._dialog;
    say(dialog.querySelector("h2"), words.title);
    say(dialog.querySelector("p"), words.explain[deaf && stands === "unknown" ? "deaf" : stands]);
    say(dialog.querySelector(".close"), texts.close);
    const list = dialog.querySelector("ul");
    list.replaceChildren();
    if (stands === "unknown") {
      for (const [source, reason] of Object.entries(state.unknown)) put(list, "li", "", `${source}: ${reason}`);
    }
    if (stands !== "violated") return;
    for (const broken of [...state.last_violations].reverse()) {
      const line = put(list, "li");
      put(line, "strong", "", broken.rule + words.of(broken.nodes));
      put(line, "span", "", ` ${broken.text} `);
      if (broken.recording) put(line, "code", "", words.recording(plain(broken.recording)));
    }
  }
}
