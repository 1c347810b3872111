// Words of the tour that a first visit begins with.

export const en = {
  again: "Show the tour",
  title: "Tour",
  next: "Next",
  back: "Back",
  skip: "Skip",
  done: "Done",
  of: (step, steps) => `${step} of ${steps}`,
  steps: [
    ["Who leads", "One node leads, in a numbered term. All writes go through it, and what a majority has on disk is committed: it can't be lost any more."],
    ["The cluster, as it is", "Every node of the real cluster. Shape, colour and word say its role; the arc around a follower is its election timer. Press m to see messages fly; click a node to look into it. The bar above breaks things and heals them, where that is allowed."],
    ["What happens, and why", "Each line says what happened, why the node did it, and the rule of Raft behind it. Click a line to see the cluster at that moment."],
    ["Time", "Nothing is lost: pause, step event by event, or pull the slider to any moment of the past. The page shows exactly what was."],
    ["Look closer", "Logs, charts, data, messages between nodes, and the labs: experiments that tell a story. Press ? for all keys, and p when there is an audience."],
  ],
};

export const ja = {
  again: "ツアーを見る",
  title: "ツアー",
  next: "次へ",
  back: "戻る",
  skip: "スキップ",
  done: "完了",
  of: (step, steps) => `${step} / ${steps}`,
  steps: [
    ["誰がリーダーか", "番号のついた任期ごとに、一つのノードがリーダーになります。書き込みはすべてそこを通り、過半数のディスクに書かれるとコミットされ、もう失われません。"],
    ["クラスタのありのまま", "本物のクラスタの全ノードです。役割は形・色・文字で示し、フォロワーを囲む弧は選挙タイマーです。m でメッセージが飛び、ノードをクリックすると中が見えます。許可されていれば、上のバーで障害を起こし、回復できます。"],
    ["何が、なぜ起きたか", "各行に、起きたこと、ノードがそうした理由、その背後にある Raft の規則が書かれています。行をクリックすると、その時点のクラスタが見えます。"],
    ["時間", "何も失われません。一時停止、イベントごとのコマ送り、過去の任意の時点への移動ができ、当時の姿がそのまま表示されます。"],
    ["もっと詳しく", "ログ、グラフ、データ、ノード間のメッセージ、そして物語のある実験「ラボ」。? で全キー、聴衆がいるときは p を押してください。"],
  ],
};
