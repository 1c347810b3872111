// Words of the ring and of the messages that fly over it.

import { show } from "../number.js";

const seconds = (ms) => (ms < 10_000 ? (ms / 1000).toFixed(1) : String(Math.round(ms / 1000)));

export const en = {
  votes: (voter, candidate, granted) => `${voter} ${granted ? "votes for" : "refuses its vote to"} ${candidate}`,
  wouldVote: (voter, candidate, granted) => `${voter} ${granted ? "would vote for" : "would not vote for"} ${candidate}`,
  has: (votes, of) => `${votes} of ${of} votes`,
  past: "was leader",
  time: "Message time",
  timeTitle: "How fast messages fly: readable dots, or their true times slowed down",
  speeds: { 1: "live", 0.1: "1/10", 0.01: "1/100", 0.001: "1/1000" },
  slow: (behind_ms, skipped) =>
    `true times, ${seconds(behind_ms)} s behind${skipped ? `; ${show(skipped)} messages skipped to keep up` : ""}`,
  replayed: "messages at their true times",
  stands: "messages where they were at this moment",
  waits: "true times: waiting for the next message",
  flies: (flight) => `${flight.message} ${flight.from} → ${flight.to}`,
  entries: (first, last) => (first === last ? `entry ${show(first)}` : `entries ${show(first)}–${show(last)} (${show(last - first + 1)})`),
  term: (term) => `term ${show(term)}`,
  granted: (granted) => (granted ? "granted" : "refused"),
  upTo: (index) => `on its disk up to ${show(index)}`,
  mismatch: "its log doesn't fit",
  took: (ms) => `${ms < 10 ? ms.toFixed(2) : Math.round(ms)} ms on its way`,
  underWay: "on its way",
  lost: "not received: lost, or its receiver is gone",
};

export const ja = {
  votes: (voter, candidate, granted) => `${voter} は ${candidate} への投票を${granted ? "決定" : "拒否"}`,
  wouldVote: (voter, candidate, granted) => `${voter} は ${candidate} に${granted ? "投票する見込み" : "投票しない見込み"}`,
  has: (votes, of) => `${of} 票中 ${votes} 票`,
  past: "元リーダー",
  time: "メッセージの時間",
  timeTitle: "メッセージの速さ: 読みやすい点、または実時間のスロー表示",
  speeds: { 1: "ライブ", 0.1: "1/10", 0.01: "1/100", 0.001: "1/1000" },
  slow: (behind_ms, skipped) => `実時間のスロー表示、${seconds(behind_ms)} 秒遅れ${skipped ? `(追いつくため ${show(skipped)} 件を省略)` : ""}`,
  replayed: "メッセージは実際の時刻どおり",
  stands: "この時点でのメッセージの位置",
  waits: "実時間のスロー表示: 次のメッセージを待っています",
  flies: (flight) => `${flight.message} ${flight.from} → ${flight.to}`,
  entries: (first, last) => (first === last ? `エントリ ${show(first)}` : `エントリ ${show(first)}–${show(last)}(${show(last - first + 1)} 件)`),
  term: (term) => `任期 ${show(term)}`,
  granted: (granted) => (granted ? "賛成" : "拒否"),
  upTo: (index) => `${show(index)} までディスクに保存`,
  mismatch: "ログが一致しない",
  took: (ms) => `所要 ${ms < 10 ? ms.toFixed(2) : Math.round(ms)} ms`,
  underWay: "移動中",
  lost: "未受信: 失われたか、受信者がいない",
};
