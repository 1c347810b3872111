// A message on its way between two nodes: what its `sent` and `received` events say of it.

export const DEPARTS = { __proto__: null, sent: true, heartbeat_sent: true, received: false, heartbeat_received: false };
/** In the order of the legend. */
export const KINDS = ["entries", "answer", "beat", "vote", "ballot", "snapshot", "other"];

function kindOf(event) {
  if (event.type === "heartbeat_sent") return "beat";
  switch (event.message) {
    case "AppendEntries":
      return "entries";
    case "AppendEntriesResponse":
      return "answer";
    case "RequestVote":
      return "vote";
    case "RequestVoteResponse":
      return "ballot";
    default:
      return /Snapshot/.test(event.message) ? "snapshot" : "other";
  }
}

/** The flight that a `sent` or `heartbeat_sent` begins, taken at `since` of `performance.now()`. */
export function flightOf(event, since) {
  const body = event.body ?? {};
  const entries = Array.isArray(body.entries) && body.entries.length === 2 ? body.entries : null;
  return {
    mid: event.mid,
    from: event.node,
    to: event.peer,
    kind: kindOf(event),
    message: event.message,
    entries,
    count: entries ? entries[1] - entries[0] + 1 : 0,
    body,
    sent_ms: event.ts * 1000,
    received_ms: null,
    since,
    arrived: false,
  };
}

/** What it says, in a few words. */
export function wordsOf(flight, texts) {
  const words = texts.ring;
  const { body } = flight;
  const found = [words.flies(flight)];
  if (typeof body.term === "number") found.push(words.term(body.term));
  if (flight.entries) found.push(words.entries(...flight.entries));
  if (flight.message === "AppendEntriesResponse") {
    found.push(body.success === false ? words.mismatch : words.upTo(body.match_index));
  }
  if (flight.message === "RequestVoteResponse") found.push(words.granted(body.granted === true));
  if (flight.lost) found.push(words.lost);
  else if (flight.received_ms === null) found.push(words.underWay);
  else found.push(words.took(Math.max(0, flight.received_ms - flight.sent_ms)));
  return found.join(" · ");
}
