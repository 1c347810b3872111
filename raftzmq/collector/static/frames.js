// When the page draws: what the viewer did with the screen's next frame, and what moves by itself less often where the
// machine doesn't keep up.

/** A frame that comes so much later than it was asked for is late: the screen has missed one at least. */
const LATE_MS = 36;
/** The longest pause between two frames: somebody who watches still sees everything happen. */
const PAUSE_MAX_MS = 200;
const PAUSE_MIN_MS = 20;
/** By so much each frame in time shortens the pause. */
const EASE_MS = 4;
/** Shorter ones aren't worth a timer. */
const TIMER_MS = 4;

/**
 * Draws whatever asked for it, together in one frame.
 *
 * Many pages on one machine, or a small one, want more frames than it has time for; then everything is late, what
 * comes from the collector too. So late frames double the pause before the next one, and frames in time shorten it
 * again (as TCP does: additive increase, multiplicative decrease, RFC 5681).
 */
export class Frames {
  constructor() {
    this._asked = new Set();
    this._told = [];
    this._requested = false;
    this._timer = 0;
    this._drawnAt = -Infinity;
    /** Milliseconds that are left between two frames on purpose; 0 where the machine keeps up. */
    this.pause = 0;
  }

  /** Have `draw(now)` called with the next frame; asked for twice, once. */
  ask(draw) {
    this._asked.add(draw);
    if (!this._requested) this._request(performance.now());
  }

  /** The same for what moves by itself: with the next frame after the pause. */
  pace(draw) {
    this._asked.add(draw);
    if (this._requested || this._timer) return;
    const due = this._drawnAt + this.pause;
    const left = due - performance.now();
    if (left < TIMER_MS || document.hidden) this._request(performance.now());
    else this._timer = setTimeout(() => this._request(due), left);
  }

  /** Resolves when the next frame has been drawn; one must have been asked for. */
  drawn() {
    return new Promise((done) => this._told.push(done));
  }

  _request(due) {
    clearTimeout(this._timer);
    this._timer = 0;
    this._requested = true;
    requestAnimationFrame((now) => {
      // A hidden page gets no frames at all: that says nothing of the machine.
      if (!document.hidden) this._weigh(performance.now() - due);
      this._drawnAt = performance.now();
      this._requested = false;
      const [asked, told] = [this._asked, this._told];
      [this._asked, this._told] = [new Set(), []];
      for (const draw of asked) draw(now);
      for (const done of told) done();
    });
  }

  _weigh(ms) {
    if (ms > LATE_MS) this.pause = Math.min(PAUSE_MAX_MS, Math.max(PAUSE_MIN_MS, this.pause * 2));
    else this.pause = Math.max(0, this.pause - EASE_MS);
  }
}
