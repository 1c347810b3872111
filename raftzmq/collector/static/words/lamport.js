// Words of the Lamport diagram.

import { show } from "../number.js";

const range = (first, last) => (first === last ? show(first) : `${show(first)}–${show(last)}`);

/** A message in a word or two, for the arrow: in all languages as in the paper. */
function brief(e, words) {
  const body = e.body ?? {};
  if (e.message === "AppendEntries") return body.entries?.length ? range(...body.entries) : "";
  if (e.message === "AppendEntriesResponse") return body.success ? `✓ ${show(body.match_index)}` : "✗";
  if (e.message === "RequestVote") return body.pre_vote ? words.preVote : words.vote;
  if (e.message === "RequestVoteResponse") return body.granted ? "✓" : "✗";
  if (e.message === "SnapshotChunk") return words.snapshot;
  return "";
}

export const en = {
  title: "Messages",
  canvas: "The Lamport diagram: a line per node, marks for events, arrows for messages",
  brief: (e) => brief(e, { preVote: "pre-vote?", vote: "vote?", snapshot: "snapshot" }),
  mark: (e) =>
    ({
      request: () => "request",
      append: () => range(e.first, e.last),
      storage: () => `disk ${show(e.last)}`,
      commit: () => `commit ${show(e.index)}`,
      apply: () => `apply ${show(e.last)}`,
      reply: () => "reply",
      read: () => "read",
      election: () => (e.pre_vote ? "pre-vote" : "election"),
      vote: () => (e.granted ? `for ${e.candidate}` : `not ${e.candidate}`),
      role: () => (e.role === "leader" ? `leader, term ${show(e.term)}` : e.role),
      boot: () => "start",
      truncate: () => `drops ${range(e.first, e.last)}`,
      snapshot: () => `snapshot ${show(e.index)}`,
      fault: () => "fault",
      process: () => (e.state === "RUNNING" ? "runs" : "stopped"),
    })[e.type]?.() ?? "",
  ms: (at) => `${at} ms`,
  tools: {
    pause: ["Pause", "Stand still while events go on coming (space)"],
    follow: ["Follow", "The newest events, and those that come (End)"],
    narrower: ["−", "More in view (wheel, −)"],
    wider: ["+", "Less in view, with more words (wheel, +)"],
    full: ["", "Full screen: this panel alone on the whole screen (Esc: back)"],
  },
  order: "order",
  orders: { lamport: "Lamport time", clock: "wall clock" },
  entry: "entry",
  anyEntry: "all",
  clear: "All",
  clearTitle: "Show everything again",
  traces: "traced requests…",
  trace: (e) => `entry ${show(e.index)}${e.tag ? ` · ${e.tag}` : ""} · ${show(e.replied_us ?? 0)} µs`,
  groups: {
    entries: ["Entries", "AppendEntries with entries, their answers, snapshots"],
    votes: ["Votes", "Elections and votes"],
    beats: ["Heartbeats", "AppendEntries without entries, and the answers to them"],
    reads: ["Reads", "ReadIndex messages and answered reads"],
    steps: ["Steps", "Requests, appends, disk writes, commits, applies and replies on the nodes' lines"],
  },
  said: (shown, only, paused) =>
    `${only === null ? `${show(shown)} events` : `${show(shown)} events of entry ${show(only)}`}${paused ? ", paused" : ""}`,
  none: "Nothing to show yet: messages are told of while this panel is open.",
  noneOf: (index) => `Nothing of entry ${show(index)} is kept: it came before, or its messages were not watched.`,
  hint: "Click a mark or an arrow: what it says, and what it depends on. What has nothing to do with it fades. L+n is Lamport time, counted from where this page began.",
  message: (e, from, to) => `${e.message}: ${from} → ${to}`,
  event: (e, node) => `${e.type} on ${node}`,
  only: "Only this entry",
  inLog: "In the log",
  lost: "lost: no receipt within a second",
  pending: "no receipt heard yet",
  took: (ms) => `${ms} ms by the nodes' clocks`,
  fields: { sent: "sent", received: "received", took: "took", rule: "rule", what: "what", node: "node", time: "time", lamport: "Lamport time", term: "term" },
  lamportOf: (sent, received) => [sent, received].map((one) => (one === null ? "?" : show(one))).join(" → "),
  more: (count) => `… ${show(count)} in all`,
  long: (count) => `… (${show(count)} characters)`,
};

export const ja = {
  title: "メッセージ",
  canvas: "ランポート図: ノードごとの線、出来事の印、メッセージの矢印",
  brief: (e) => brief(e, { preVote: "予備投票?", vote: "投票?", snapshot: "スナップショット" }),
  mark: (e) =>
    ({
      request: () => "要求",
      append: () => range(e.first, e.last),
      storage: () => `ディスク ${show(e.last)}`,
      commit: () => `コミット ${show(e.index)}`,
      apply: () => `適用 ${show(e.last)}`,
      reply: () => "応答",
      read: () => "読み取り",
      election: () => (e.pre_vote ? "予備投票" : "選挙"),
      vote: () => (e.granted ? `${e.candidate} に投票` : `${e.candidate} を拒否`),
      role: () =>
        e.role === "leader"
          ? `リーダー(任期 ${show(e.term)})`
          : { follower: "フォロワー", candidate: "候補者", "pre-candidate": "予備候補者", learner: "学習者" }[e.role] ?? e.role,
      boot: () => "起動",
      truncate: () => `${range(e.first, e.last)} を破棄`,
      snapshot: () => `スナップショット ${show(e.index)}`,
      fault: () => "障害",
      process: () => (e.state === "RUNNING" ? "稼働" : "停止"),
    })[e.type]?.() ?? "",
  ms: (at) => `${at} ms`,
  tools: {
    pause: ["一時停止", "表示を止める。出来事は届き続けます(スペース)"],
    follow: ["追う", "最新の出来事を追い続ける(End)"],
    narrower: ["−", "縮小(ホイール、−)"],
    wider: ["+", "拡大(ホイール、+)"],
    full: ["", "全画面: このパネルだけを画面いっぱいに表示する(Esc: 戻る)"],
  },
  order: "順序",
  orders: { lamport: "ランポート時刻", clock: "実時刻" },
  entry: "エントリ",
  anyEntry: "すべて",
  clear: "すべて",
  clearTitle: "すべてを表示する",
  traces: "追跡した要求…",
  trace: (e) => `エントリ ${show(e.index)}${e.tag ? `・${e.tag}` : ""}・${show(e.replied_us ?? 0)} µs`,
  groups: {
    entries: ["エントリ", "エントリを運ぶ AppendEntries とその応答、スナップショット"],
    votes: ["投票", "選挙と投票"],
    beats: ["ハートビート", "エントリのない AppendEntries とその応答"],
    reads: ["読み取り", "ReadIndex のメッセージと読み取り"],
    steps: ["処理", "各ノードでの要求、追記、ディスク書き込み、コミット、適用、応答"],
  },
  said: (shown, only, paused) =>
    `${only === null ? `${show(shown)} 件` : `エントリ ${show(only)} の ${show(shown)} 件`}${paused ? "(一時停止中)" : ""}`,
  none: "まだ何もありません。メッセージはこのパネルを開いている間だけ届きます。",
  noneOf: (index) => `エントリ ${show(index)} の記録がありません。表示前のものか、メッセージを見ていませんでした。`,
  hint: "印か矢印をクリックすると内容を表示します。因果関係のない出来事は薄くなります。L+n は、この画面が始まってからのランポート時刻です。",
  message: (e, from, to) => `${e.message}: ${from} → ${to}`,
  event: (e, node) => `${node} の ${e.type}`,
  only: "このエントリだけ",
  inLog: "ログで見る",
  lost: "消失: 1 秒以内に受信されなかった",
  pending: "受信はまだ届いていない",
  took: (ms) => `${ms} ms(各ノードの時計による)`,
  fields: { sent: "送信", received: "受信", took: "所要", rule: "規則", what: "内容", node: "ノード", time: "時刻", lamport: "ランポート時刻", term: "任期" },
  lamportOf: (sent, received) => [sent, received].map((one) => (one === null ? "?" : show(one))).join(" → "),
  more: (count) => `… 全 ${show(count)} 個`,
  long: (count) => `…(全 ${show(count)} 文字)`,
};
