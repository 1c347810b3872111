// Words of the key browser, of a key's history and of the client box.

const ms = (us) => (us < 10_000 ? `${(us / 1000).toFixed(1)} ms` : `${Math.round(us / 1000)} ms`);
const revision = { en: (answer, show) => `revision ${show(answer.revision)}`, ja: (answer, show) => `リビジョン ${show(answer.revision)}` };

export const en = {
  title: "Keys",
  locked:
    "Keys and values belong to whoever stores them, and this link only looks on. 'raftzmq page' prints the address with which they can be read and written.",
  prefix: "keys that begin with…",
  back: "Keys before these",
  on: "Keys after these",
  columns: ["key", "value", "bytes", "version", "created → changed"],
  count: (first, last, at) => `${first}–${last} · revision ${at}`,
  none: (prefix) => `No key begins with “${prefix}”.`,
  empty: "The store is empty. Put the first key with the box beside.",
  history: "History of a key",
  historyOf: "History of",
  choose: "Choose a key to see how it came to be what it is.",
  asking: "Asking…",
  ends: {
    created: "Here the key was created.",
    compacted: "What was before is compacted: the store has forgotten it.",
    more: "",
    none: "There is no such key now.",
  },
  more: "Older versions",
  revisionOf: (at, version) => `revision ${at} · version ${version}`,
  deletedAt: (at) => `revision ${at} · deleted`,
  emptyValue: "(empty)",
  wholeTitle: "Show more or less of it",
  cut: (bytes) => `cut: ${bytes} bytes in all`,
  key: "key",
  value: "value",
  noValue: "(no value)",
  send: "Send",
  hints: {
    put: "Sets the key. The answer comes once a majority has it on disk.",
    get: "Reads the key, never older than what was acknowledged before.",
    append: "Reads the key and writes it longer, unless somebody came between: then again.",
    delete: "Removes the key. Its older versions can still be read.",
  },
  waits: "waiting for the cluster…",
  took: ms,
  explain: "explain",
  explainTitle: "Where the time of this command went",
  came: {
    put: revision.en,
    get: (answer, show) =>
      answer.found ? `revision ${show(answer.mod_revision)} · version ${show(answer.version)}` : "there is no such key",
    append: (answer, show) => `revision ${show(answer.revision)}${answer.tries > 1 ? ` · at try ${answer.tries}` : ""}`,
    delete: (answer, show) => (answer.deleted ? `deleted at revision ${show(answer.revision)}` : "there was no such key"),
  },
};

export const ja = {
  title: "キー",
  locked:
    "キーと値は保存した人のものです。このリンクは閲覧専用です。読み書きできるアドレスは raftzmq page で表示できます。",
  prefix: "キーの先頭…",
  back: "前のキー",
  on: "次のキー",
  columns: ["キー", "値", "バイト", "版", "作成 → 更新"],
  count: (first, last, at) => `${first}–${last} · リビジョン ${at}`,
  none: (prefix) => `「${prefix}」で始まるキーはありません。`,
  empty: "まだ何も保存されていません。隣の欄から最初のキーを put してください。",
  history: "キーの履歴",
  historyOf: "履歴:",
  choose: "キーを選ぶと、今の値になるまでの履歴を表示します。",
  asking: "問い合わせ中…",
  ends: {
    created: "ここでキーが作成されました。",
    compacted: "これより前はコンパクションで失われています。",
    more: "",
    none: "このキーは今は存在しません。",
  },
  more: "さらに前の版",
  revisionOf: (at, version) => `リビジョン ${at} · 第 ${version} 版`,
  deletedAt: (at) => `リビジョン ${at} · 削除`,
  emptyValue: "(空)",
  wholeTitle: "表示を切り替える",
  cut: (bytes) => `省略表示: 全体で ${bytes} バイト`,
  key: "キー",
  value: "値",
  noValue: "(値なし)",
  send: "送信",
  hints: {
    put: "キーに値を設定します。過半数のディスクに書かれると応答します。",
    get: "キーを読みます。すでに応答済みの書き込みより古い値は返りません。",
    append: "読んでから末尾に書き足します。間に他の書き込みがあればやり直します。",
    delete: "キーを削除します。以前の版は引き続き読めます。",
  },
  waits: "クラスタの応答を待っています…",
  took: ms,
  explain: "内訳",
  explainTitle: "このコマンドの時間の内訳",
  came: {
    put: revision.ja,
    get: (answer, show) =>
      answer.found ? `リビジョン ${show(answer.mod_revision)} · 第 ${show(answer.version)} 版` : "このキーはありません",
    append: (answer, show) => `リビジョン ${show(answer.revision)}${answer.tries > 1 ? ` · ${answer.tries} 回目で成功` : ""}`,
    delete: (answer, show) => (answer.deleted ? `リビジョン ${show(answer.revision)} で削除` : "このキーはありませんでした"),
  },
};
