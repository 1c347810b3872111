// A waterfall: the parts of a request's time one below the other, each where it began and as long as it took; then who
// worked beside and wasn't waited for.

import { put } from "../svg.js";

const TICK_PX = 90;

/** Round distances for about so many ticks on an axis that is `us` long. */
function stepOf(us, ticks) {
  const rough = Math.max(1, us / ticks);
  const ten = 10 ** Math.floor(Math.log10(rough));
  return ten * ([1, 2, 5, 10].find((round) => round * ten >= rough) ?? 10);
}

export class Waterfall {
  /**
   * `explanation` is one of `/v1/explain`; `place` says which of several it is. `follow(index)` shows the way of an
   * entry elsewhere.
   */
  constructor(parent, explanation, words, place, follow) {
    this._total = Math.max(1, explanation.latency_us);
    this._words = words;
    const block = put(parent, "article", "fall");
    this._head(block, explanation, place);
    if (explanation.kind !== "read") this._follow(block.firstElementChild, explanation.index, follow);
    const rows = put(block, "div", explanation.kind === "read" ? "fall-rows" : "fall-rows write");
    this._axis(rows);
    const deciding = explanation.parts.filter((part) => part.us > 0 || explanation.parts.length === 1);
    for (const part of deciding) this._part(rows, part, explanation);
    const beside = explanation.beside;
    if (beside.length) put(put(rows, "div", "fall-row fall-word"), "span", "data-soft", words.besideTitle);
    for (const one of beside) this._beside(rows, one);
    this._commit(rows, explanation);
    const list = put(block, "ul", "fall-words");
    for (const sentence of words.sentences(explanation)) put(list, "li", "", sentence);
    this._slowest(list, explanation.disks ?? {});
  }

  _head(block, explanation, place) {
    const words = this._words;
    const head = put(block, "header", "fall-head");
    const took = put(head, "strong", "fall-total", words.took(explanation.latency_us));
    took.dataset.us = explanation.latency_us;
    const told = [
      place,
      words.told(explanation),
      explanation.by_client ? words.byClient : words.byNode(explanation.node),
    ];
    put(head, "span", "data-soft", told.filter(Boolean).join(" · "));
  }

  _follow(head, index, follow) {
    const button = put(head, "button", "fall-follow", this._words.follow);
    Object.assign(button, { type: "button", title: this._words.followTitle, onclick: () => follow(index) });
  }

  /** A row: its name, a track with its bar, what it took. Returns the bar. */
  _row(rows, name, kind, begin, us, took) {
    const row = put(rows, "div", `fall-row ${kind}`);
    put(row, "span", "fall-name", name).title = name;
    const track = put(row, "span", "fall-track");
    const bar = put(track, "i");
    bar.style.left = `${Math.min(100, (100 * begin) / this._total)}%`;
    bar.style.width = `${Math.max(0, Math.min(100, (100 * us) / this._total))}%`;
    put(row, "span", "fall-took", took);
    return row;
  }

  _part(rows, part, explanation) {
    const words = this._words;
    const row = this._row(rows, words.partName(part, explanation), `step-${part.step}`, part.begin_us, part.us, words.took(part.us));
    row.dataset.step = part.step;
    row.dataset.node = part.node;
    row.dataset.us = part.us;
    put(row, "span", "fall-share", `${Math.round(100 * part.share)} %`);
  }

  _beside(rows, one) {
    const words = this._words;
    const begin = one.begin_us ?? 0;
    const end = one.answered_us ?? begin + (one.disk_us ?? 0);
    const silent = one.disk_us === null && one.answered_us === null;
    const took = silent ? words.silent : words.took(one.disk_us ?? end - begin);
    const name = one.disk_us === null ? words.besideNode(one.node) : words.besideDisk(one.node);
    const row = this._row(rows, name, "fall-beside", begin, Math.max(0, Math.min(end, this._total) - begin), took);
    row.dataset.beside = one.node;
    put(row, "span", "fall-share", "");
  }

  _axis(rows) {
    const row = put(rows, "div", "fall-row fall-axis");
    put(row, "span", "fall-name");
    const track = put(row, "span", "fall-track");
    const step = stepOf(this._total, Math.max(1, Math.min(6, Math.floor(track.clientWidth / TICK_PX))));
    for (let us = 0; us <= this._total * 0.985; us += step) {
      const tick = put(track, "b", "", us ? this._words.tick(us, step) : "0");
      tick.style.left = `${(100 * us) / this._total}%`;
      const line = put(rows, "s", "fall-grid");
      line.style.setProperty("--at", us / this._total);
    }
    put(row, "span", "fall-took");
    put(row, "span", "fall-share");
  }

  /** Where the majority had it: what comes after is the leader's own business. */
  _commit(rows, explanation) {
    const at = explanation.committed_us;
    if (at === null || at === undefined || explanation.kind === "read") return;
    const line = put(rows, "s", "fall-commit");
    line.style.setProperty("--at", Math.min(1, at / this._total));
    put(line, "span", at > this._total / 2 ? "left" : "", this._words.committed);
  }

  _slowest(list, disks) {
    const sorted = Object.entries(disks).sort(([, a], [, b]) => b - a);
    if (sorted.length < 2) return;
    const [slowest, fastest] = [sorted[0], sorted.at(-1)];
    const item = put(list, "li", "fall-slowest", this._words.slowest(slowest[0], slowest[1], fastest[0], fastest[1]));
    item.dataset.node = slowest[0];
  }
}
