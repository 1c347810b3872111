// Which events the Lamport diagram shows, how they are drawn, and to which group a viewer may want or not want they belong.

/** Types of single messages: true for one that leaves. */
export const MESSAGES = { sent: true, heartbeat_sent: true, received: false, heartbeat_received: false };

/** By type: the mark on the node's line, the name of its colour, and its group; "" is always shown. */
export const MARKS = {
  request: ["arrival", "soft", "steps"],
  append: ["square", "term", "steps"],
  storage: ["bar", "ink", "steps"],
  commit: ["diamond", "learner", "steps"],
  apply: ["dot", "learner", "steps"],
  reply: ["departure", "soft", "steps"],
  read: ["departure", "soft", "reads"],
  compact: ["block", "gone", "steps"],
  election: ["question", "candidate", "votes"],
  vote: ["ballot", "candidate", "votes"],
  disrupt_refused: ["ballot", "candidate", "votes"],
  role: ["role", "role", ""],
  boot: ["ring", "ink", ""],
  truncate: ["cross", "alarm", ""],
  snapshot: ["block", "gone", ""],
  fault: ["cross", "alarm", ""],
  corrupt: ["cross", "alarm", ""],
  process: ["cross", "alarm", ""],
};

/** What can be shown or not, in the order of its buttons, and whether it is at first. */
export const GROUPS = { entries: true, votes: true, beats: false, reads: true, steps: true };

/** The kind of a message, which is also the end of its colour's name: `--dot-entries` … */
export function kindOf(event) {
  if (event.type === "heartbeat_sent" || event.type === "heartbeat_received") return "beat";
  if (/Vote/.test(event.message)) return "vote";
  if (/^Read/.test(event.message)) return "read";
  return /Response|Answer/.test(event.message) ? "answer" : "entries";
}

const GROUP_OF_KIND = { beat: "beats", vote: "votes", read: "reads", answer: "entries", entries: "entries" };

/** The group of an event that is kept. */
export function groupOf(event) {
  return Object.hasOwn(MESSAGES, event.type) ? GROUP_OF_KIND[kindOf(event)] : MARKS[event.type][2];
}

/** The node on whose line an event stands. */
export function nodeOf(event) {
  return event.type === "process" ? event.name.slice(event.name.lastIndexOf(":") + 1) : event.node;
}
