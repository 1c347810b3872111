// Words of the charts: what is drawn, and of which events it is made.

import { show } from "../number.js";

const ms = (value) => `${value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : show(Math.round(value))} ms`;
const perSecond = (value) => show(Math.round(value));
const time = (minutes, seconds) => (value) => (value >= 120 ? minutes(Math.round(value / 60)) : seconds(+value.toFixed(1)));

export const en = {
  title: "Charts",
  spans: { minute: "Last minute", ten: "Last ten minutes" },
  marks: "vertical line: an election; with a name: who won it",
  past: "in the past: what has passed by since you went there",
  titles: { operations: "Operations per second", answer: "Time to the answer", lag: "Behind the commit index", sync: "Disk syncs" },
  tells: {
    operations: "Commands that the leader applied, and linearizable reads that nodes answered (events apply and read)",
    answer: "From the moment an entry is in the leader's log in memory until its answer leaves, by the leader's clock (events append and reply); the way to the door is not in it",
    lag: "Committed entries that the slowest node has yet to apply, the most in each stretch (events commit and apply)",
    sync: "One commit of the log to disk with its sync, of all nodes (event storage)",
  },
  lines: { writes: "writes", reads: "reads", p50: "p50", p99: "p99", slowest: "slowest of a second", lag: "entries" },
  lineTells: {
    slowest: "The slowest request of each second and those with a tag, from the door to the answer (event trace)",
  },
  value: { operations: perSecond, answer: ms, lag: perSecond, sync: ms },
  ago: time((minutes) => `${minutes} min ago`, (seconds) => `${seconds} s ago`),
  now: "now",
  then: "moment shown",
};

export const ja = {
  title: "グラフ",
  spans: { minute: "直近 1 分", ten: "直近 10 分" },
  marks: "縦線: 選挙。名前つき: その勝者",
  past: "過去の表示中: そこへ移ってから再生した分だけ",
  titles: { operations: "毎秒の操作数", answer: "応答までの時間", lag: "コミット位置からの遅れ", sync: "ディスクの同期" },
  tells: {
    operations: "リーダーが適用したコマンドと、各ノードが答えた線形化可能な読み取り(イベント apply と read)",
    answer: "エントリがリーダーのメモリ上のログに入ってから応答が出るまで。リーダーの時計による(イベント append と reply)。受付までの時間は含まない",
    lag: "最も遅いノードがまだ適用していないコミット済みエントリ数。各区間の最大値(イベント commit と apply)",
    sync: "全ノードの、ログをディスクに同期する 1 回のコミット(イベント storage)",
  },
  lines: { writes: "書き込み", reads: "読み取り", p50: "p50", p99: "p99", slowest: "毎秒の最遅", lag: "エントリ" },
  lineTells: {
    slowest: "毎秒最も遅い要求とタグつきの要求。受付から応答まで(イベント trace)",
  },
  value: { operations: perSecond, answer: ms, lag: perSecond, sync: ms },
  ago: time((minutes) => `${minutes} 分前`, (seconds) => `${seconds} 秒前`),
  now: "現在",
  then: "表示中の時点",
};
