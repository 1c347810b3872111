// One lab: what it shows, the command, its last run's verdict with the events that show it, and its steps.

import { put, say } from "../svg.js";

const POSITIONS_MAX = 6;
const clock = (ms) => {
  const at = new Date(ms);
  const day = `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, "0")}-${String(at.getDate()).padStart(2, "0")}`;
  return `${day} ${at.toLocaleTimeString("en-GB").slice(0, 5)}`;
};

export class LabCard {
  constructor(root, page) {
    this._root = root;
    this._page = page;
    this._steps = [];
    const head = put(root, "header");
    this._title = put(head, "h3");
    this._badge = put(head, "span", "lab-badge");
    this._shows = put(root, "p", "lab-shows");
    this._rule = put(root, "p", "lab-rule");
    const line = put(root, "div", "lab-command");
    this._label = put(line, "span");
    this._command = put(line, "code");
    this._command.tabIndex = 0;
    this._copy = put(line, "button");
    Object.assign(this._copy, { type: "button", onclick: () => this._copied() });
    this._open = put(line, "button", "lab-open");
    Object.assign(this._open, { type: "button", id: "lab-open", onclick: () => this._goTo(this._steps[0]?.position ?? 0) });
    this._never = put(root, "p", "lab-never");
    const ran = put(root, "div", "lab-ran");
    this._ran = ran;
    const judged = put(ran, "section");
    this._verdict = put(judged, "h4");
    this._note = put(judged, "p", "lab-note");
    this._checks = put(judged, "ul", "lab-checks");
    this._exhibits = put(judged, "div");
    this._judged = put(judged, "p", "lab-judged");
    const told = put(ran, "section");
    this._told = put(told, "h4");
    this._list = put(told, "ol", "lab-steps");
    for (const list of [this._checks, this._list]) {
      list.onclick = (event) => this._goTo(event.target.closest("[data-position]")?.dataset.position);
    }
  }

  /** Show a lab as the collector tells of it; undefined: none. */
  show(lab, texts, language) {
    this._root.hidden = lab === undefined;
    this._texts = texts;
    if (lab === undefined) return;
    const { run } = lab;
    this._root.dataset.lab = lab.name;
    say(this._title, lab.title[language]);
    say(this._shows, lab.shows[language]);
    say(this._rule, lab.rule[language]);
    say(this._label, texts.run);
    say(this._command, `bin/raftzmq lab run ${lab.name}`);
    say(this._copy, texts.copy);
    this._open.title = texts.openHint;
    this._open.hidden = this._ran.hidden = run === null;
    this._never.hidden = run !== null;
    say(this._never, texts.noVerdict);
    this._recording = run?.recording;
    this._steps = run?.steps ?? [];
    this._badge.dataset.stands = run === null ? "never" : run.verdict.green ? "green" : "red";
    say(this._badge, this._words(run));
    if (run !== null) this._showRun(run, language);
  }

  /** Mark the step that was told last at the moment that the page shows. */
  mark(player) {
    const here = this._recording !== undefined && player.recording === this._recording && !player.live;
    const past = here ? this._steps.filter((step) => step.position <= player.position).length : 0;
    [...this._list.children].forEach((item, i) => {
      item.ariaCurrent = here && i === past - 1 ? "step" : "false";
    });
    // What the viewer has just clicked must stay under the pointer.
    if (past !== this._past && !this._clicked) this._bringUp(this._list.children[past - 1]);
    this._past = past;
    this._clicked = false;
    if (this._texts) say(this._open, here ? this._texts.opened : this._texts.open);
    this._open.ariaPressed = String(here);
  }

  /** Scroll the panel, and nothing around it, so that a step can be read. */
  _bringUp(item) {
    const box = this._root.parentElement;
    if (!item || box.scrollHeight <= box.clientHeight) return;
    const [of, seen] = [item.getBoundingClientRect(), box.getBoundingClientRect()];
    if (of.top < seen.top || of.bottom > seen.bottom) box.scrollTop += of.top - seen.top - 12;
  }

  _words(run) {
    if (run === null) return this._texts.never;
    const { checks, green } = run.verdict;
    return `${green ? "✓" : "✗"} ${this._texts.checks(checks.filter((check) => check.held).length, checks.length)}`;
  }

  _showRun(run, language) {
    say(this._verdict, this._texts.verdict);
    say(this._told, this._texts.steps);
    this._note.hidden = !run.note;
    say(this._note, run.note ? this._texts.note(run.note) : "");
    say(this._judged, this._texts.judged(run.events, run.seconds, run.runtime, clock(run.began_ms)));
    this._checks.replaceChildren();
    for (const check of run.verdict.checks) this._showCheck(check, language);
    this._exhibits.replaceChildren();
    for (const exhibit of run.verdict.exhibits) {
      put(this._exhibits, "h5", "", exhibit.title[language]);
      put(this._exhibits, "pre", "lab-exhibit", exhibit.lines.join("\n")).tabIndex = 0;
    }
    this._list.replaceChildren();
    for (const step of run.steps) this._showStep(step, language);
  }

  _showCheck(check, language) {
    const item = put(this._checks, "li");
    item.dataset.held = String(check.held);
    const mark = put(item, "b", "", check.held ? "✓" : "✗");
    mark.title = check.held ? this._texts.green : this._texts.red;
    const text = put(item, "p", "", check.sentence[language]);
    if (check.seen) put(text, "small", "", check.seen[language]);
    const places = put(item, "span", "lab-places");
    for (const position of check.evidence.slice(0, POSITIONS_MAX)) {
      const button = put(places, "button", "", String(position));
      Object.assign(button, { type: "button", title: this._texts.at(position) });
      button.dataset.position = position;
    }
    if (check.evidence.length > POSITIONS_MAX) put(places, "span", "", "…");
  }

  _showStep(step, language) {
    const item = put(this._list, "li");
    const button = put(item, "button", "lab-step", step.what[language]);
    button.type = "button";
    button.dataset.position = step.position;
    for (const part of ["watch", "rule"]) {
      const line = put(item, "p", `lab-${part}-line`);
      put(line, "b", "", this._texts[part]);
      put(line, "span", "", step[part][language]);
    }
  }

  async _goTo(position) {
    if (position === undefined || this._recording === undefined) return;
    this._clicked = true;
    try {
      await this._page.player.goTo({ recording: this._recording, position: Number(position) });
    } catch (error) {
      this._page.toast(this._texts.failed(error.message), "bad");
    }
    this._page.changed();
  }

  async _copied() {
    const command = this._command.textContent;
    try {
      await navigator.clipboard.writeText(command);
      this._page.toast(this._texts.copied, "good");
    } catch {
      this._page.toast(this._texts.uncopied(command), "info");
    }
  }
}
