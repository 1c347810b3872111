// What the feed says of an event: what happened, why, and which law of Raft is behind it. No elements here.

/** Kinds of happenings to choose from, each with its types of events. */
export const KINDS = {
  elections: ["role", "vote", "disrupt_refused"],
  logs: ["truncate", "snapshot", "room", "corrupt"],
  faults: ["fault", "process", "boot"],
  trouble: ["violation", "gap", "corrupt", "room"],
};

const REFUSED = ["candidate", "term", "granted", "reason"];
const ALIKE = {
  vote: REFUSED,
  disrupt_refused: REFUSED,
  fault: ["what", "cut", "drop", "duplicate", "delay_us", "jitter_us", "for_us"],
};
const TOLD = new Set(Object.values(KINDS).flat());

/** Is it worth a line? Nodes' questions whether they could win are for the curious. */
export function isTold(event) {
  return TOLD.has(event.type) && !(event.type === "vote" && event.pre_vote);
}

/** The nodes that an event is about. */
export function nodesOf(event) {
  const own = event.node === "collector" ? [] : [event.node];
  const others = [event.candidate, event.peer, event.source, event.leader];
  if (event.type === "process") others.push(String(event.name).split(":").at(-1));
  if (Array.isArray(event.nodes)) others.push(...event.nodes);
  return [...own, ...others].filter((name) => typeof name === "string");
}

/** What happened: a sentence, or null for a role that the page has no words for. */
export function whatOf(event, texts) {
  const words = texts.feed.what[event.type];
  if (event.type !== "role") return words(event);
  return Object.hasOwn(words, event.role) ? words[event.role](event) : null;
}

/**
 * What makes several events one happening: nodes that vote alike or ignore the same, links that are spoiled alike; ""
 * for what stands alone.
 */
export function sameOf(event) {
  const alike = ALIKE[event.type];
  if (!alike || event.what === "elect") return "";
  return JSON.stringify([event.type, ...alike.map((name) => event[name] ?? null)]);
}

/** What a happening like others adds to their line: a node, or a link. */
export function partOf(event) {
  return event.type === "fault" ? `${event.node} → ${event.peer}` : event.node;
}

/** Why the node did it, in its own words or their translation; "" if it gives no reason. */
export function whyOf(event, texts) {
  if (event.type !== "role" && event.type !== "vote") return "";
  const { reasons, patterns } = texts.feed;
  const reason = String(event.reason ?? "");
  if (Object.hasOwn(reasons, reason)) return reasons[reason];
  return patterns.reduce((found, [pattern, words]) => found.replace(pattern, words), reason);
}

/** The law behind it: the section, and what it says. */
export function ruleOf(event, texts, catalogue) {
  const source = catalogue[event.type]?.source ?? "";
  const law = texts.feed.laws[event.type === "role" ? `role-${event.role}` : event.type] ?? "";
  return [source.startsWith("none") ? "" : source.replace(/ \(.*\)$/, ""), law].filter(Boolean).join(" · ");
}
