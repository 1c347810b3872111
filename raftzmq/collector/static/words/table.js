// Words of the table of nodes.

export const en = {
  title: "Nodes",
  columns: ["node", "role", "term", "follows", "voted for", "log end", "on disk", "committed", "applied", "election timer"],
};

export const ja = {
  title: "ノード一覧",
  columns: ["ノード", "役割", "任期", "追従先", "投票先", "ログ末尾", "ディスク", "コミット", "適用", "選挙タイマー"],
};
