// One event or message in words: all its fields, when it left and came, and the rule behind it.

import { show } from "../number.js";
import { put, say } from "../svg.js";
import { MESSAGES, nodeOf } from "./lamport_kinds.js";

const LONG = 200; // characters of a value
const MANY = 8; // items of a list
const ENVELOPE = new Set(["v", "node", "boot", "seq", "order", "ts", "mono_ns", "lamport", "type", "mid", "peer", "message", "body"]);

/** A text with what can't be seen in it made visible, cut when it is long. */
function visible(text, texts) {
  const letters = [...text.slice(0, 2 * LONG)];
  const shown = letters.slice(0, LONG).map((letter) => {
    const code = letter.codePointAt(0);
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    return /[\p{C}\p{Zl}\p{Zp}]/u.test(letter) ? `\\u{${code.toString(16)}}` : letter;
  });
  return shown.join("") + (letters.length > LONG ? texts.lamport.long(text.length) : "");
}

/** A value as text, whatever it is. */
function plain(value, texts) {
  if (Array.isArray(value)) {
    const items = value.slice(0, MANY).map((one) => plain(one, texts));
    return items.join(", ") + (value.length > MANY ? ` ${texts.lamport.more(value.length)}` : "") || "–";
  }
  if (value !== null && typeof value === "object") {
    const parts = Object.entries(value).slice(0, MANY).map(([name, one]) => `${visible(name, texts)} ${plain(one, texts)}`);
    return parts.join(", ") || "–";
  }
  if (value === null || value === undefined) return "–";
  return visible(typeof value === "number" ? show(value) : String(value), texts);
}

/** The clock's time of day, to the microsecond. */
function timeOf(ts) {
  const at = new Date(ts * 1000);
  const fraction = (ts % 1).toFixed(6).slice(1);
  return `${at.toLocaleTimeString("en-GB")}${fraction}`;
}

/** The entry that an event is about, if it is about one: the last of those in it. */
export function entryOf(event) {
  if (event.message === "AppendEntries") return event.body?.entries?.[1] ?? null;
  if (event.message === "AppendEntriesResponse") return event.body?.success ? event.body.match_index : null;
  if (event.type === "commit") return event.index;
  return ["append", "storage", "apply", "reply"].includes(event.type) ? event.last : null;
}

/** Heading and lines, as `[name, text]`, of an event; `message` as `Slots` has it if it is one. */
function linesOf(event, message, isLost, catalogue, texts) {
  const words = texts.lamport;
  const rule = catalogue[event.type];
  const body = Object.entries(event.mid === undefined ? event : event.body ?? {}).filter(([name]) => !ENVELOPE.has(name));
  const rest = body.map(([name, value]) => [visible(name, texts), plain(value, texts)]);
  const about = rule ? [[words.fields.what, rule.when], [words.fields.rule, rule.source]] : [];
  if (event.mid === undefined) {
    const when = [[words.fields.time, timeOf(event.ts)], [words.fields.lamport, show(event.lamport)]];
    return [words.event(event, visible(nodeOf(event), texts)), [...rest, ...when, ...about]];
  }
  const sent = message?.sent?.event ?? (MESSAGES[event.type] ? event : null);
  const received = message?.received[0]?.event ?? (MESSAGES[event.type] ? null : event);
  const [from, to] = MESSAGES[event.type] ? [event.node, event.peer] : [event.peer, event.node];
  const took = sent && received ? words.took(((received.ts - sent.ts) * 1000).toFixed(3)) : isLost ? words.lost : words.pending;
  const when = [
    [words.fields.sent, sent ? timeOf(sent.ts) : "?"],
    [words.fields.received, received ? timeOf(received.ts) : "–"],
    [words.fields.took, took],
    [words.fields.lamport, words.lamportOf(sent?.lamport ?? null, received?.lamport ?? null)],
    ["mid", visible(event.mid, texts)],
    ["bytes", plain(event.bytes, texts)],
  ];
  return [words.message({ message: visible(String(event.message), texts) }, visible(from, texts), visible(to, texts)), [...rest, ...when]];
}

export class EventCard {
  constructor(root, page, diagram) {
    this._catalogue = page.catalogue;
    root.ariaLive = "polite";
    this._state = put(root, "output", "lamport-said");
    this._state.id = "lamport-said";
    const head = put(root, "div", "grid-head");
    this._title = put(head, "h3");
    this._buttons = put(head, "span", "lamport-buttons");
    this._only = put(this._buttons, "button");
    Object.assign(this._only, { type: "button", id: "lamport-only", onclick: () => diagram.only(this._entry) });
    this._log = put(this._buttons, "button");
    Object.assign(this._log, { type: "button", id: "lamport-log" });
    this._log.onclick = () => {
      page.panels.show("grid");
      page.panels.view("grid").goTo(this._entry);
    };
    this._hint = put(root, "p");
    this._list = put(root, "dl");
  }

  say(texts) {
    say(this._only, texts.lamport.only);
    say(this._log, texts.lamport.inLog);
    this._event = undefined;
  }

  /** How much is shown, and whether it stands still. */
  tell(words) {
    say(this._state, words);
  }

  /** Say what is known of `event`, or else `hint`; `message` and `isLost` as for `linesOf`. */
  show(event, message, isLost, hint, texts) {
    const receipt = `${message?.sent?.event.order} ${message?.received.length} ${isLost}`;
    if (event === this._event && receipt === this._receipt && (event !== null || this._said === hint)) return;
    Object.assign(this, { _event: event, _receipt: receipt, _said: hint });
    say(this._hint, hint);
    this._hint.hidden = event !== null;
    this._list.replaceChildren();
    this._entry = event === null ? null : entryOf(event);
    this._buttons.hidden = !(this._entry > 0);
    if (event === null) {
      say(this._title, "");
      return;
    }
    const [title, lines] = linesOf(event, message, isLost, this._catalogue, texts);
    say(this._title, title);
    for (const [name, text] of lines) {
      const line = put(this._list, "div");
      line.dataset.field = name;
      put(line, "dt", "", name);
      put(line, "dd", "", text);
    }
  }
}
