// The buttons below the timeline: play, step, speed, live; the moment as text; zoom, bookmarks, link, files.

import { icon } from "./icons.js";
import { SPEEDS } from "./player.js";
import { LIVE, fileOf, list } from "./recordings.js";
import { plain } from "./stored.js";
import { put, say } from "./svg.js";
import { show } from "./number.js";
import { clock } from "./wall_clock.js";

/** Elements in which the arrow keys mean something else. */
const ARROWS_TAKEN = "input, textarea, select, [contenteditable], [role=tab], [role=grid], [role=listbox], [role=radiogroup], #ring *";

export class TimeBar {
  constructor(root, page, timeline, opening, marks) {
    this._page = page;
    this._timeline = timeline;
    const bar = put(root, "div", "time-bar");
    const group = (kind) => put(bar, "div", `time-group ${kind}`);
    const run = (work) => () => Promise.resolve(work()).catch((error) => page.toast(error.message, "bad"));
    this._buttons = {};
    const button = (parent, name, picture, work) => {
      const found = put(parent, "button", "time-button");
      Object.assign(found, { type: "button", id: `time-${name}`, onclick: run(work) });
      icon(found, picture);
      this._buttons[name] = found;
      return found;
    };
    this._work = {
      previous: () => this._notable(-1),
      back: () => page.player.step(-1),
      play: () => this._toggle(),
      forward: () => page.player.step(1),
      next: () => this._notable(1),
      slower: () => this._faster(-1),
      faster: () => this._faster(1),
      first: () => page.player.goToEnd(-1),
      last: () => page.player.goToEnd(1),
      mark: () => marks.keep(),
    };
    const plays = group("plays");
    button(plays, "previous", "previous", this._work.previous);
    button(plays, "back", "back", this._work.back);
    button(plays, "play", "pause", this._work.play);
    button(plays, "forward", "forward", this._work.forward);
    button(plays, "next", "next", this._work.next);
    this._speed = put(plays, "select");
    this._speed.id = "time-speed";
    for (const speed of SPEEDS) put(this._speed, "option", "", speed < 0.25 ? `1/${1 / speed}×` : `${speed}×`).value = speed;
    this._speed.onchange = run(() => this._setSpeed(Number(this._speed.value)));
    this._live = put(plays, "button", "time-live");
    Object.assign(this._live, { type: "button", id: "time-live", onclick: () => page.player.goLive() });
    this._moment = put(bar, "output", "time-moment");
    this._clock = put(this._moment, "b");
    this._position = put(this._moment, "span");
    this._behind = put(this._moment, "span", "behind");
    this._choice = put(group("which"), "select");
    this._choice.id = "time-recording";
    this._choice.hidden = true;
    this._choice.onchange = run(() => this._choose(this._choice.value));
    // Another tab may have opened a recording meanwhile.
    this._choice.onfocus = () => this.changed();
    addEventListener("focus", () => this.changed());
    const zoom = group("zoom");
    button(zoom, "closer", "closer", () => timeline.zoom(-1));
    button(zoom, "wider", "wider", () => timeline.zoom(1));
    const rest = group("rest");
    marks.attach(button(rest, "marks", "mark", () => marks.toggle()));
    button(rest, "link", "link", () => this._link());
    button(rest, "open", "open", () => opening.choose());
    button(rest, "save", "save", () => this._save());
    this._arrange(run);
    this.changed();
  }

  say(texts) {
    const words = texts.timeline;
    for (const [name, found] of Object.entries(this._buttons)) found.title = found.ariaLabel = words.buttons[name];
    this._speed.title = this._speed.ariaLabel = words.speed;
    this._choice.title = this._choice.ariaLabel = words.which;
    say(this._live, words.live);
    this._live.title = words.liveTitle;
    this.changed();
  }

  /** What there is to choose from changed, or the recording. */
  async changed() {
    const turn = (this._turn = (this._turn ?? 0) + 1);
    const there = await list().catch(() => null);
    const { player } = this._page;
    if (player === undefined || there === null || turn !== this._turn) return; // a collector that is away for a moment has what it had
    const options = there.map((one) => [one.id, one.live ? this._page.settings.texts.timeline.now : plain(one.name)]);
    if (JSON.stringify(options) !== this._options) {
      this._options = JSON.stringify(options); // the same ones stay: somebody may be about to choose
      this._choice.replaceChildren();
      for (const [id, name] of options) put(this._choice, "option", "", name).value = id;
    }
    this._choice.value = player.recording;
    this._choice.hidden = there.length < 2;
    this._hasLive = there.some((one) => one.live);
  }

  draw(texts) {
    const { player } = this._page;
    const words = texts.timeline;
    const moving = player.live || player.playing;
    icon(this._buttons.play, moving ? "pause" : "play");
    this._buttons.play.title = this._buttons.play.ariaLabel = moving ? words.buttons.pause : words.buttons.play;
    if (this._speed.value !== String(player.speed)) this._speed.value = String(player.speed);
    this._live.ariaPressed = String(player.live);
    this._live.hidden = this._hasLive === false;
    say(this._clock, clock(player.now, words.locale));
    say(this._position, words.position(player.position));
    const behind = player.live ? null : player.behind;
    say(this._behind, player.live ? "" : behind === null ? plain(this._timeline.told?.name ?? "") : words.behind(behind.ms, behind.events));
    if (this._choice.value !== player.recording && !this._choice.hidden) this._choice.value = player.recording;
  }

  // --- keys ---

  _arrange(run) {
    const { keys } = this._page;
    const add = (key, name) => keys.add(key, run(this._work[name]), (texts) => texts.timeline.keys[name], "time");
    add(" ", "play");
    keys.tell("← →", (texts) => texts.timeline.keys.step, "time");
    keys.tell("⇧← ⇧→", (texts) => texts.timeline.keys.notable, "time");
    add(",", "slower");
    add(".", "faster");
    add("Home", "first");
    add("End", "last");
    add("b", "mark");
    const arrows = { ArrowLeft: ["back", "previous"], ArrowRight: ["forward", "next"] };
    document.addEventListener("keydown", (event) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(arrows, event.key)) return;
      if (event.target.matches(ARROWS_TAKEN) || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      run(this._work[arrows[event.key][event.shiftKey ? 1 : 0]])();
    });
  }

  _toggle() {
    const { player } = this._page;
    if (player.live || player.playing) return player.pause();
    return player.play();
  }

  async _notable(by) {
    const { player } = this._page;
    const { texts } = this._page.settings;
    if (await player.stepNotable(by)) return;
    if (by > 0 && player.recording === LIVE) player.goLive();
    else this._page.toast(by > 0 ? texts.timeline.noneAfter : texts.timeline.noneBefore);
  }

  _faster(by) {
    const { player } = this._page;
    const at = SPEEDS.indexOf(player.speed);
    return this._setSpeed(SPEEDS[Math.min(Math.max(0, at + by), SPEEDS.length - 1)]);
  }

  _setSpeed(speed) {
    const { player } = this._page;
    if (player.live || player.playing) return player.play(speed);
    player.speed = speed;
    this._page.changed();
    return undefined;
  }

  _choose(id) {
    const { player } = this._page;
    if (id === LIVE) return player.goLive();
    return player.goTo({ recording: id, position: 0 });
  }

  // --- to keep and to share ---

  async _link() {
    const { player, settings } = this._page;
    const address = `${location.origin}/#recording=${encodeURIComponent(player.recording)}&at=${player.position}`;
    try {
      await navigator.clipboard.writeText(address);
      this._page.toast(settings.texts.timeline.linked(show(player.position)), "good");
    } catch {
      this._page.toast(settings.texts.unshared(address), "info");
    }
  }

  _save() {
    const anchor = document.createElement("a");
    anchor.href = fileOf(this._page.player.recording, this._timeline.part);
    anchor.download = "";
    anchor.click();
  }
}
