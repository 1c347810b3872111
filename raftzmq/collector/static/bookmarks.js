// Moments that somebody marked, kept in the browser by recording; those of a lab's recording are its steps.

import { read, write } from "./kept.js";

const MOST = 200;
const NAME_MAX = 120;

export class Bookmarks {
  constructor() {
    this._key = null;
    this._own = [];
    this._steps = [];
  }

  /** Those of another recording. `told` is what the collector says of it. */
  open(told) {
    this._key = `bookmarks.${told.id}.${told.name}`;
    this._own = [];
    try {
      const kept = JSON.parse(read(this._key) ?? "[]");
      if (Array.isArray(kept)) this._own = kept.filter((one) => Number.isSafeInteger(one?.position) && typeof one.name === "string").slice(0, MOST);
    } catch {
      this._own = []; // somebody else wrote there
    }
    const steps = Array.isArray(told.lab?.steps) ? told.lab.steps : [];
    this._steps = steps.filter((step) => Number.isSafeInteger(step?.position) && step.position > 0).slice(0, MOST);
  }

  /** All, in the order of their positions: { position, ms, name, own }; a step's name in `language`. */
  all(language) {
    const steps = this._steps.map((step) => ({
      position: step.position,
      ms: step.ms ?? 0,
      name: `${step.number ?? ""} ${step.what?.[language] ?? step.what?.en ?? ""}`.trim(),
      own: false,
    }));
    return [...steps, ...this._own.map((one) => ({ ...one, own: true }))].sort((a, b) => a.position - b.position);
  }

  /** Mark a moment; what is marked already stays as it is. */
  add(position, ms, name) {
    if (this._key === null || this._own.some((one) => one.position === position) || this._own.length >= MOST) return;
    this._own.push({ position, ms, name: name.slice(0, NAME_MAX) });
    this._keep();
  }

  rename(position, name) {
    const found = this._own.find((one) => one.position === position);
    if (found) found.name = name.slice(0, NAME_MAX);
    this._keep();
  }

  remove(position) {
    this._own = this._own.filter((one) => one.position !== position);
    this._keep();
  }

  _keep() {
    write(this._key, JSON.stringify(this._own));
  }
}
