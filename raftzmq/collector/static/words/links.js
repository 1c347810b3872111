// Words of the matrix of links, and of the form for one of them.

export const en = {
  title: "Links",
  corner: "from ↓ to →",
  hint: "What each node (row) sends to each other (column). Click a link to cut it, lose, delay or double its messages.",
  many: (n) => `${n} nodes are too many for a table: it shows those with faults.`,
  kinds: { sound: "sound", unknown: "not known: the node that sends isn't heard", cut: "cut", spoiled: "spoiled" },
  link: (from, to, both) => (both ? `Between ${from} and ${to}` : `What ${from} sends to ${to}`),
  now: (parts, left) => `Now: ${parts}${left === null ? ", until it is healed" : `, ${left} s more`}.`,
  soundNow: "Now: sound.",
  fields: { cut: "Cut: nothing gets through", drop: "Lose", delay: "Delay", jitter: "… more or less", duplicate: "Deliver twice" },
  both: (from, to) => `The same from ${to} to ${from}`,
  forSpan: (seconds) => (seconds ? ` for ${seconds} s` : ""),
  buttons: { cut: "Cut", lossy: "Lossy", slow: "Slow", twice: "Doubled", apply: "Apply", sound: "Heal this link", close: "Close" },
};

export const ja = {
  title: "リンク",
  corner: "送信元 ↓ 宛先 →",
  hint: "各ノード(行)から各ノード(列)への通信。リンクをクリックすると、切断・損失・遅延・重複を設定できます。",
  many: (n) => `${n} ノードは表に入りきらないため、障害のあるものだけを表示しています。`,
  kinds: { sound: "正常", unknown: "不明(送信元が無応答)", cut: "切断", spoiled: "障害あり" },
  link: (from, to, both) => (both ? `${from} と ${to} の間` : `${from} から ${to} への通信`),
  now: (parts, left) => `現在: ${parts}${left === null ? "(修復するまで)" : `(あと ${left} 秒)`}`,
  soundNow: "現在: 正常",
  fields: { cut: "切断(何も届かない)", drop: "損失", delay: "遅延", jitter: "ゆらぎ ±", duplicate: "重複" },
  both: (from, to) => `逆方向(${to} から ${from})も同じにする`,
  forSpan: (seconds) => (seconds ? `(${seconds} 秒間)` : ""),
  buttons: { cut: "切断", lossy: "損失", slow: "遅延", twice: "重複", apply: "適用", sound: "このリンクを修復", close: "閉じる" },
};
