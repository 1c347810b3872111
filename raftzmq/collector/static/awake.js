// A screen that stays on while somebody presents, where the browser can do that.

export class Awake {
  constructor() {
    this._wanted = false;
    this._lock = null;
    document.addEventListener("visibilitychange", () => this._arrange()); // a hidden page has lost it
  }

  want(wanted) {
    if (wanted === this._wanted) return;
    this._wanted = wanted;
    this._arrange();
  }

  async _arrange() {
    try {
      if (this._wanted && document.visibilityState === "visible") this._lock = await navigator.wakeLock?.request("screen");
      else if (!this._wanted) await this._lock?.release();
    } catch {
      this._lock = null; // low battery, or no permission: then the screen goes dark as always
    }
  }
}
