// The way of one entry: the messages that carried it, and what followed from them on each node.

const covers = (event, index) => event.first <= index && index <= event.last;

/** The first on each node for which `is` holds, as a test that remembers. */
function firstOnEach(is) {
  const seen = new Set();
  return (event) => {
    const key = `${event.node} ${event.peer ?? ""}`;
    if (seen.has(key) || !is(event)) return false;
    seen.add(key);
    return true;
  };
}

/**
 * Those of `events` (oldest first) that belong to the entry `index`: it joins logs and comes to disks; messages carry
 * it; the first answer that says it is there; it is committed; the first message that says so; it is applied, answered.
 */
export function wayOf(events, index) {
  const carries = (event) => event.body?.entries?.[0] <= index && index <= event.body?.entries?.[1];
  const carried = new Set();
  const answers = firstOnEach((event) => event.body.success === true && event.body.match_index >= index);
  const tells = firstOnEach((event) => event.body.leader_commit >= index && !knows.has(event.peer));
  const stored = firstOnEach((event) => event.last >= index);
  const joined = new Set();
  const knows = new Set();
  const of = {
    append: (event) => covers(event, index) && Boolean(joined.add(event.node)),
    storage: (event) => joined.has(event.node) && stored(event),
    truncate: (event) => covers(event, index),
    commit: (event) => index <= event.index && Boolean(knows.add(event.node)) && event.previous < index,
    apply: (event) => covers(event, index),
    reply: (event) => covers(event, index),
  };
  const chosen = new Set();
  for (const event of events) {
    if (event.body !== undefined) {
      const sent = event.type === "sent" || event.type === "heartbeat_sent";
      if (!sent) {
        if (chosen.has(event.mid)) carried.add(event);
        continue;
      }
      const answered = event.message === "AppendEntriesResponse" && joined.has(event.node) && answers(event);
      const entries = event.message === "AppendEntries";
      if (answered || (entries && (carries(event) || tells(event)))) {
        chosen.add(event.mid);
        carried.add(event);
      }
    } else if (of[event.type]?.(event)) {
      carried.add(event);
    }
  }
  return events.filter((event) => carried.has(event));
}
