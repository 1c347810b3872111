// What is wrong on purpose with the messages from one node to another: the twin of raftzmq/collector/link_state.py.

import { ITEMS_MAX, Malformed, bare, count, countOrNull, flag, get, ppm, text } from "./values.js";

/** Take in a `fault` event; raises Malformed for one that isn't well made. `links`: by who sends, by who is sent to. */
export function foldFault(links, e) {
  if (get(e, "peer") === null) return; // an election on request
  const sender = text(get(e, "node"));
  const peer = text(e.peer);
  const found = bare(Object.entries(links[sender] ?? {})); // replaced, never changed: a copy of the state may share it
  const what = get(e, "what");
  if (what === "set" || what === "changed") {
    if (!(peer in found) && Object.keys(found).length >= ITEMS_MAX) throw new Malformed(peer);
    const for_us = countOrNull(get(e, "for_us"));
    const until_ms = for_us === null ? null : count(Math.trunc(e.ts * 1000) + (for_us - (for_us % 1000)) / 1000);
    found[peer] = {
      cut: flag(get(e, "cut")),
      drop_ppm: ppm(get(e, "drop")),
      duplicate_ppm: ppm(get(e, "duplicate")),
      delay_us: count(get(e, "delay_us")),
      jitter_us: count(get(e, "jitter_us")),
      until_ms,
    };
  } else if (what === "ended" || what === "healed") {
    delete found[peer];
  }
  if (Object.keys(found).length) links[sender] = found;
  else delete links[sender];
}
