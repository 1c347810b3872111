// Words for where the time of a request went. The sentences are the collector's own, as 'raftzmq explain' prints them;
// here they stand only in the other language.

const took = (us) => {
  if (us < 1000) return `${us} µs`;
  return us < 100_000 ? `${(us / 1000).toFixed(us < 10_000 ? 2 : 1)} ms` : `${Math.round(us / 1000)} ms`;
};
const tick = (us, step) => (step < 1000 ? `${(us / 1000).toFixed(step < 100 ? 2 : 1)} ms` : `${Math.round(us / 1000)} ms`);

export const en = {
  title: "Explain",
  recent: "Requests",
  orderTitle: "Order of the requests",
  orders: { newest: "newest first", slowest: "slowest first" },
  none: "None yet. Nodes tell of the slowest request of each second, and of every command of the client box.",
  choose: "Choose a request: where did its time go?",
  unreachable: "The collector doesn't answer.",
  kinds: { execute: "write", read: "read" },
  commands: (many) => `${many} commands`,
  took,
  tick,
  place: (number, of) => `request ${number} of ${of}`,
  told: (e) => (e.kind === "read" ? `read at ${e.node}` : `write through ${e.node}, entry ${e.index.toLocaleString("en")}`),
  follow: "messages",
  followTitle: "The way of this entry between the nodes",
  byClient: "as its client measured it",
  byNode: (node) => `from ${node}'s door until its answer left`,
  partName: (part) => part.name,
  besideTitle: "beside it, and not waited for",
  besideNode: (node) => `${node}`,
  besideDisk: (node) => `${node}'s disk`,
  silent: "silent",
  committed: "committed",
  sentences: (e) => e.words,
  slowest: (node, us, other, least) => `The slowest disk was ${node}'s with ${took(us)}; the fastest was ${other}'s with ${took(least)}.`,
};

const STEPS = {
  client: (node) => `クライアントと ${node} の間`,
  queue: (node) => `${node} の受付待ち`,
  send: (node) => `${node} への送信待ち`,
  network: (node) => `${node} との往復`,
  disk: (node) => `${node} のディスク`,
  follower: (node) => `${node} の通信とディスク`,
  commit: (_, leader) => `${leader} がコミットを判定`,
  confirm: (node) => `過半数が ${node} を確認`,
  apply: (node) => `${node} の状態に適用`,
  read: (node) => `${node} の状態から読み出し`,
  reply: (node) => `${node} の応答`,
};

function partName(part, e) {
  const name = STEPS[part.step]?.(part.node, e.node) ?? part.name;
  return part.step === "disk" && part.node === e.node ? `${name}(リーダー)` : name;
}

function sentences(e) {
  const total = Math.max(1, e.latency_us);
  const longest = e.longest.map((i) => e.parts[i]);
  const named = longest.map((part) => `${partName(part, e)} ${Math.round((100 * part.us) / total)} %(${took(part.us)})`);
  const found = [`${e.by_client ? "クライアント" : e.node} の計測で ${took(e.latency_us)}。内訳は ${named.join("、")}。`];
  if (e.decided_by === null) return found;
  if (e.decided_by !== e.node) {
    const late = e.parts.find((part) => part.step === "disk" && part.node === e.node);
    found.push(
      `リーダーは ${e.answer} 番目の応答(${e.decided_by})を待ちました` +
        (late ? `。さらに自分のディスクを ${took(late.us)} 待ちました` : "") +
        (e.silent.length ? `。${e.silent.join("、")} からは応答がありませんでした。` : "。"),
    );
  } else {
    found.push(e.beside.length ? `リーダー ${e.node} のディスクで過半数に達しました。` : `${e.node} だけのクラスタなので、自分のディスクが過半数です。`);
  }
  for (const one of e.beside.filter((beside) => e.lagging.includes(beside.node))) {
    found.push(`${one.node} は遅れています(ディスク ${took(one.disk_us)})。過半数はこれを待たないので、影響はありません。`);
  }
  return found;
}

export const ja = {
  title: "内訳",
  recent: "リクエスト",
  orderTitle: "リクエストの並び順",
  orders: { newest: "新しい順", slowest: "遅い順" },
  none: "まだありません。ノードは毎秒もっとも遅いリクエストと、クライアント欄のすべてのコマンドを報告します。",
  choose: "リクエストを選ぶと、時間の内訳を表示します。",
  unreachable: "コレクタが応答しません。",
  kinds: { execute: "書き込み", read: "読み出し" },
  commands: (many) => `${many} コマンド`,
  took,
  tick,
  place: (number, of) => `${of} 件中 ${number} 件目`,
  told: (e) => (e.kind === "read" ? `${e.node} で読み出し` : `${e.node} 経由の書き込み、エントリ ${e.index.toLocaleString("en")}`),
  follow: "メッセージ",
  followTitle: "このエントリがノード間でたどった道筋",
  byClient: "クライアントの計測",
  byNode: (node) => `${node} が受け付けてから応答するまで`,
  partName,
  besideTitle: "並行して進み、待たれなかったもの",
  besideNode: (node) => `${node}`,
  besideDisk: (node) => `${node} のディスク`,
  silent: "応答なし",
  committed: "コミット",
  sentences,
  slowest: (node, us, other, least) => `もっとも遅いディスクは ${node}(${took(us)})、もっとも速いのは ${other}(${took(least)})でした。`,
};
