// Questions to the collector about keys: one at a time from each asker, and of two answers only the later one counts.

/** Thrown for an answer that nobody waits for any more. */
export class Outdated extends Error {}

export class Asker {
  constructor(page) {
    this._page = page;
    this._number = 0;
    this.busy = false;
  }

  /** The answer to a path with its parameters; throws the control's Refused, or Outdated. */
  async ask(path, parameters) {
    const number = ++this._number;
    this.busy = true;
    try {
      const found = await this._page.control.read(`${path}?${new URLSearchParams(parameters)}`);
      if (number !== this._number) throw new Outdated();
      return found;
    } catch (error) {
      throw number === this._number ? error : new Outdated();
    } finally {
      if (number === this._number) this.busy = false;
    }
  }
}
