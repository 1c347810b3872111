// Which events are worth a mark on the timeline: the twin of raftzmq/collector/web/recording_ticks.py.

const GONE = new Set(["EXITED", "FATAL", "STOPPED", "BACKOFF", "GONE"]);
const PLAIN = new Set(["fault", "violation", "truncate"]);

/** The kinds of marks, the weightiest first. */
export const KINDS = ["violation", "fault", "crash", "leader", "candidate", "start", "trouble", "truncate", "snapshot"];

/** The kind of mark for an event, or null. */
export function kindOf(event) {
  switch (event.type) {
    case "role":
      return event.role === "leader" || event.role === "candidate" ? event.role : null;
    case "process":
      if (event.state === "PAUSED") return "fault";
      return GONE.has(event.state) ? "crash" : null;
    case "boot":
      return "start";
    case "snapshot":
      return event.step === "installed" ? "snapshot" : null;
    case "gap":
      return event.missing ? "trouble" : null;
    case "room":
    case "corrupt":
      return "trouble";
    default:
      return PLAIN.has(event.type) ? event.type : null;
  }
}
