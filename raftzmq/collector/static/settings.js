// What the viewer chose: language, light or dark, messages. Kept in the browser, if it lets us.

import { TEXTS } from "./texts.js";

const THEMES = ["system", "light", "dark"];
const asked = new URLSearchParams(location.search);

function kept(name, allowed, otherwise) {
  const found = asked.get(name) ?? read(name);
  return allowed.includes(found) ? found : otherwise;
}

function read(name) {
  try {
    return localStorage.getItem(`raftzmq.${name}`);
  } catch {
    return null; // a browser that keeps nothing: the choice lasts as long as the page
  }
}

function write(name, value) {
  try {
    localStorage.setItem(`raftzmq.${name}`, value);
  } catch {
    return;
  }
}

/** Calls `changed` after each change. */
export class Settings {
  constructor(changed) {
    this._changed = changed;
    this.language = kept("language", Object.keys(TEXTS), navigator.language.startsWith("ja") ? "ja" : "en");
    this.theme = kept("theme", THEMES, "system");
    this.messages = kept("messages", ["on", "off"], "off") === "on";
    this._apply();
  }

  get texts() {
    return TEXTS[this.language];
  }

  nextLanguage() {
    this.language = this.language === "en" ? "ja" : "en";
    this._keep("language", this.language);
  }

  nextTheme() {
    this.theme = THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length];
    this._keep("theme", this.theme);
  }

  toggleMessages() {
    this.messages = !this.messages;
    this._keep("messages", this.messages ? "on" : "off");
  }

  _keep(name, value) {
    write(name, value);
    this._apply();
    this._changed();
  }

  _apply() {
    document.documentElement.lang = this.language;
    if (this.theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = this.theme;
  }
}
