// What time it is in the moment that is shown, between two events too: the nodes' wall clocks, carried on by ours.

const PATIENCE_MS = 1000;
const JUMP_MS = 400;
const SETTLE_MS = 300;

/** Live, time passes as ours does; in a replay `page.player` says what time it is. */
export class Clock {
  constructor(page) {
    this._page = page;
    this._at = 0;
    this._shown = this._told = null;
  }

  /** Another moment altogether: whatever passed since the last one doesn't count. */
  begin() {
    this._shown = this._told = null;
  }

  /** How fast time passes: 1 live, 0 paused. */
  get speed() {
    const { live, playing, speed } = this._page.player;
    return live ? 1 : playing ? speed : 0;
  }

  /** Events were folded into the state. */
  take(events) {
    let newest = this._told ?? -Infinity;
    for (const [, event] of events) if (event.ts * 1000 > newest) newest = event.ts * 1000;
    if (Number.isFinite(newest)) this._told = newest;
  }

  /** Milliseconds since 1970, with fractions; `at` is the time of `performance.now()`. */
  now(at) {
    const player = this._page.player;
    // A moment is said in whole milliseconds; the events in it were made a little later.
    if (!player.live) return Math.max(player.now, Math.min(this._told ?? 0, player.now + 1));
    const passed = Math.min(Math.max(at - this._at, 0), PATIENCE_MS);
    this._at = at;
    this._told ??= player.state.all.time_ms;
    const aim = this._told + Math.min(Math.max(at - player.heardAt, 0), PATIENCE_MS);
    if (this._shown === null || Math.abs(aim - this._shown) > JUMP_MS) return (this._shown = aim);
    const next = this._shown + passed;
    return (this._shown = next + (aim - next) * Math.min(1, passed / SETTLE_MS));
  }
}
