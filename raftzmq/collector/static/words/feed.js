// Words of the feed: what happened, why, and the law behind it. Reasons are the nodes' own, in English where none is
// listed here.

import { show } from "../number.js";

const percent = (part) => `${Math.round(part * 100)} %`;
const ms = (us) => `${show(Math.round(us / 100) / 10)} ms`;

/** The name of a process without its group. */
const processOf = (e) => String(e.name).split(":").at(-1);

/** What is wrong with a link, as parts of a sentence. */
function faultOf(e, words) {
  const parts = e.cut ? [words.cut] : [];
  // The state keeps no fractions: of an event from before this page was opened there are millionths.
  const [drop, duplicate] = [e.drop ?? e.drop_ppm / 1e6, e.duplicate ?? e.duplicate_ppm / 1e6];
  if (drop) parts.push(`${words.drop} ${percent(drop)}`);
  if (duplicate) parts.push(`${words.duplicate} ${percent(duplicate)}`);
  if (e.delay_us) parts.push(`${words.delay} ${ms(e.delay_us)}`);
  if (e.jitter_us) parts.push(`± ${ms(e.jitter_us)}`);
  return parts.join(", ") || words.other;
}

export const en = {
  title: "What happens and why",
  all: "everything",
  allNodes: "all nodes",
  ofNode: "Of which node",
  ofKind: "Which kind of events",
  kinds: { elections: "elections", logs: "logs", faults: "faults and processes", trouble: "trouble" },
  toMoment: "Show this moment",
  fresh: (n) => `↑ ${n} new`,
  more: (n) => ` and ${n} more`,
  quiet: "Quiet so far: an idle cluster has nothing to tell but heartbeats.",
  none: "Nothing of this kind has happened lately.",
  laws: {
    boot: "what was promised stands on disk: term, vote and log",
    "role-leader": "at most one leader in a term: a majority has voted for it",
    "role-candidate": "raises its term and asks everybody for a vote",
    "role-pre-candidate": "asks first, so that nobody is disturbed in vain",
    "role-follower": "a higher term, or a leader of this one, goes before",
    vote: "one vote in a term, and none for a log that lacks entries",
    disrupt_refused: "who has just heard its leader doesn't help to depose it",
    truncate: "a follower's log becomes its leader's; nothing committed is lost",
    snapshot: "for who needs entries that the log no longer has",
    corrupt: "damaged bytes are never used",
    violation: "Raft makes this impossible",
    fault: "made on purpose, to see what Raft makes of it",
  },
  reasons: { voted: "its vote was free" },
  patterns: [],
  what: {
    boot: (e) => `${e.node} started, its log ends at entry ${show(e.last_index)}`,
    role: {
      leader: (e) => `${e.node} leads term ${show(e.term)}`,
      candidate: (e) => `${e.node} stands for election in term ${show(e.term)}`,
      "pre-candidate": (e) => `${e.node} asks whether it could win`,
      follower: (e) => `${e.node} follows`,
      learner: (e) => `${e.node} learns without a vote`,
    },
    vote: (e) => {
      const does = e.many ? ["vote for", "refuse their votes to"] : ["votes for", "refuses its vote to"];
      return `${e.node} ${does[e.granted ? 0 : 1]} ${e.candidate} in term ${show(e.term)}`;
    },
    disrupt_refused: (e) => `${e.node} ${e.many ? "ignore" : "ignores"} ${e.candidate}: a leader is still heard`,
    truncate: (e) => `${e.node} drops entries ${show(e.first)}–${show(e.last)} that conflict with ${e.leader ?? "the leader"}'s`,
    snapshot: (e) => `${e.node}: snapshot up to ${show(e.index)}, ${e.step}`,
    room: (e) => (e.has_room ? `${e.node} has room on its disk again` : `${e.node}'s disk is full: it takes no entries`),
    corrupt: (e) => `${e.node} got damaged bytes (${e.what}) and didn't use them`,
    fault: (e) => {
      if (e.what === "elect") return `${e.node} was told to stand for election`;
      const link = e.many ? `links ${e.link}` : `link ${e.node} → ${e.peer}`;
      if (e.what === "healed" || e.what === "ended") return `${link} ${e.many ? "are" : "is"} sound again`;
      const found = faultOf(e, { cut: "cut", drop: "loses", duplicate: "doubles", delay: "late by", other: "disturbed" });
      return `${link}: ${found}${e.for_us ? `, for ${show(e.for_us / 1e6)} s` : ""}`;
    },
    gap: (e) => `${show(e.missing)} events of ${e.source} are lost (${e.reason})`,
    process: (e) => {
      const said = { PAUSED: "is paused", RESUMED: "runs again", GONE: "is gone", RUNNING: "runs", EXITED: "has ended", STOPPED: "is stopped" }[e.state];
      return said ? `${processOf(e)}'s process ${said}` : `${processOf(e)}'s process: ${e.state}`;
    },
    violation: (e) => `Broken: ${e.rule}. ${e.text}`,
  },
};

export const ja = {
  title: "何が、なぜ起きたか",
  all: "すべて",
  allNodes: "全ノード",
  ofNode: "どのノードの出来事か",
  ofKind: "出来事の種類",
  kinds: { elections: "選挙", logs: "ログ", faults: "障害とプロセス", trouble: "問題" },
  toMoment: "この時点を表示",
  fresh: (n) => `↑ 新着 ${n} 件`,
  more: (n) => ` ほか ${n} 件`,
  quiet: "静かです。待機中のクラスタにはハートビートしかありません。",
  none: "最近この種類の出来事はありません。",
  laws: {
    boot: "約束したこと(任期・投票・ログ)はディスクに残っている",
    "role-leader": "一つの任期にリーダーは一人だけ。過半数が投票した",
    "role-candidate": "任期を上げ、全員に投票を求める",
    "role-pre-candidate": "先に見込みを尋ね、無駄な選挙で邪魔をしない",
    "role-follower": "より新しい任期、またはその任期のリーダーに従う",
    vote: "投票は任期ごとに一票。ログの劣る候補者には投票しない",
    disrupt_refused: "リーダーの声を聞いたばかりのノードは交代に手を貸さない",
    truncate: "フォロワーのログはリーダーのログに揃う。コミット済みは失われない",
    snapshot: "必要なエントリがもうログにないノードのため",
    corrupt: "壊れたデータは決して使わない",
    violation: "Raft では起こり得ないこと",
    fault: "Raft の振る舞いを見るために、わざと起こした障害",
  },
  reasons: {
    "no leader was heard in time": "リーダーからの連絡が途絶えた",
    "no majority was heard in time": "過半数からの応答がない",
    "a majority would vote for this node": "過半数が投票する見込み",
    "a majority voted for this node": "過半数の票を得た",
    "a majority refused its vote": "過半数が投票を拒否した",
    "a candidate has a higher term": "より新しい任期の候補者がいる",
    "its disk is nearly full": "ディスクの空きがほとんどない",
    "its disk finishes nothing": "ディスクへの書き込みが終わらない",
    "its log is behind": "ログが遅れている",
    "its term is not new": "任期が新しくない",
    voted: "この任期では他に投票していない",
    "told to start an election": "選挙を始めるよう指示された",
    "starts an election": "選挙を開始",
  },
  patterns: [
    [/^voted for (.+)$/, "$1 に投票済み"],
    [/^(.+) leads$/, "$1 がリーダー"],
    [/^(.+) has a higher term$/, "$1 の任期のほうが新しい"],
  ],
  what: {
    boot: (e) => `${e.node} が起動(ログ末尾 ${show(e.last_index)})`,
    role: {
      leader: (e) => `${e.node} が任期 ${show(e.term)} のリーダーに`,
      candidate: (e) => `${e.node} が任期 ${show(e.term)} に立候補`,
      "pre-candidate": (e) => `${e.node} が勝てるかどうかを問い合わせ`,
      follower: (e) => `${e.node} がフォロワーに`,
      learner: (e) => `${e.node} が学習者に`,
    },
    vote: (e) => `${e.node} が任期 ${show(e.term)} で ${e.candidate} への投票を${e.granted ? "決定" : "拒否"}`,
    disrupt_refused: (e) => `${e.node} が ${e.candidate} を無視(リーダーは健在)`,
    truncate: (e) => `${e.node} が ${e.leader ?? "リーダー"} と食い違う ${show(e.first)}–${show(e.last)} を破棄`,
    snapshot: (e) => `${e.node}: ${show(e.index)} までのスナップショット(${e.step})`,
    room: (e) => (e.has_room ? `${e.node} のディスクに空きができた` : `${e.node} のディスクが満杯`),
    corrupt: (e) => `${e.node} が壊れたデータを受信し、破棄(${e.what})`,
    fault: (e) => {
      if (e.what === "elect") return `${e.node} に選挙の開始を指示`;
      const link = `リンク ${e.many ? e.link : `${e.node} → ${e.peer}`}`;
      if (e.what === "healed" || e.what === "ended") return `${link} が回復`;
      const found = faultOf(e, { cut: "切断", drop: "損失", duplicate: "重複", delay: "遅延", other: "不調" });
      return `${link}: ${found}${e.for_us ? `(${show(e.for_us / 1e6)} 秒間)` : ""}`;
    },
    gap: (e) => `${e.source} のイベント ${show(e.missing)} 件が欠落(${e.reason})`,
    process: (e) => {
      const said = { PAUSED: "一時停止", RESUMED: "再開", GONE: "消滅", RUNNING: "稼働", EXITED: "終了", STOPPED: "停止" }[e.state];
      return `${processOf(e)} のプロセスが${said ?? ` ${e.state}`}`;
    },
    violation: (e) => `違反: ${e.rule}。${e.text}`,
  },
};
