// The terms of entries from before what the page has seen: asked of the collector's recording, once a moment is looked at.

const PATH = "/v1/recordings";
const SETTLED_MS = 150; // a hand that scrubs passes many moments: only where it rests is asked for

export class Past {
  /** `page` says which moment is shown; `filled` is called when terms have come. */
  constructor(page, filled) {
    this._page = page;
    this._filled = filled;
    this._wanted = null;
  }

  /** Another moment, of this state: what is known of it is known by `logs`, a map by node. */
  begin(state, logs) {
    const { player } = this._page;
    const ends = Object.entries(state.all.nodes).map(([name, node]) => [name, node.last_index ?? 0]);
    this._wanted = { recording: player?.recording ?? "live", position: player?.position ?? 0, ends: new Map(ends), logs };
  }

  /** Somebody looks: ask, if the moment stays. */
  look() {
    const wanted = this._wanted;
    if (wanted === null || wanted.asked) return;
    wanted.asked = true;
    setTimeout(() => wanted === this._wanted && this._ask(wanted), SETTLED_MS);
  }

  async _ask(wanted) {
    const { recording, position, ends, logs } = wanted;
    try {
      const there = await (await fetch(PATH)).json();
      // A collector that keeps nothing has no recording; what isn't known stays unknown.
      if (wanted !== this._wanted || !there.some((one) => one.id === recording && one.last_position > 0)) return;
      const answer = await fetch(`${PATH}/${encodeURIComponent(recording)}/terms?position=${position}`);
      if (!answer.ok || wanted !== this._wanted) return;
      const { nodes } = await answer.json();
      if (wanted !== this._wanted) return;
      for (const [name, beginnings] of Object.entries(nodes)) this._fill(logs.get(name), beginnings, ends.get(name) ?? 0);
      this._filled();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // the collector is gone: the stream says so
    }
  }

  /** `beginnings`: `[index, term]`, from where on entries have a term, null for one that isn't known. */
  _fill(log, beginnings, end) {
    beginnings.forEach(([first, term], i) => {
      const last = Math.min(end, (beginnings[i + 1]?.[0] ?? Infinity) - 1);
      if (log !== undefined && term !== null && first <= last) log.terms.fill(first, last, term);
    });
  }
}
