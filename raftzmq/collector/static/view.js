// What the page says of a state: rows of nodes and the sentences of the headline. No elements here.

import { clock } from "./wall_clock.js";

/** n2 before n10. */
function natural(a, b) {
  return a.localeCompare(b, "en", { numeric: true });
}

/** A row per node that is configured, votes or was heard. */
export function rowsOf(state, configured) {
  const nodes = state.all.nodes;
  const known = new Set([...configured, ...Object.keys(nodes)]);
  for (const node of Object.values(nodes)) for (const voter of node.voters) known.add(voter);
  return [...known].sort(natural).map((name) => {
    const node = nodes[name];
    const condition = node === undefined ? "unheard" : state.condition(node);
    return { ...(node ?? { role: null, leader: null, commit_index: null }), name, condition, heard: condition === "up" };
  });
}

/**
 * The headline and what stands below it. `quiet`: no event has come for seconds. `deaf`: the collector itself isn't
 * heard, since { s, ms }; null if it is.
 */
export function standingOf(state, rows, texts, quiet, deaf = null) {
  const all = state.all;
  const leader = quiet ? null : state.leader;
  const voters = all.nodes[all.last_leader ?? ""]?.voters ?? [];
  const of = voters.length || rows.length;
  const need = Math.floor(of / 2) + 1;
  const up = deaf ? null : quiet ? 0 : rows.filter((row) => row.heard).length;
  const commits = rows.map((row) => row.commit_index).filter((index) => index !== null && index !== undefined);
  const found = { leader, term: all.term, up, of: rows.length, changes: all.leader_changes, deaf };
  found.committed = commits.length ? Math.max(...commits) : null;
  if (deaf) {
    found.headline = texts.deaf;
    found.explained = texts.explain.deaf(state.leader, all.term, clock(deaf.ms, texts.timeline.locale).slice(0, -4));
    return found;
  }
  found.headline = leader !== null ? texts.leads(leader) : up || commits.length ? texts.nobody : texts.nothing;
  const asking = rows.filter((row) => row.heard && /candidate/.test(row.role ?? "")).map((row) => row.name);
  if (quiet || !up) found.explained = texts.explain.silent;
  else if (leader !== null) found.explained = texts.explain.leads(leader, need, of);
  else if (up < need) found.explained = texts.explain.majority(up, need);
  else if (asking.length) found.explained = texts.explain.election(asking, all.term);
  else found.explained = texts.explain.waiting;
  return found;
}
