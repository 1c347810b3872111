// What the viewer chose: language, light or dark, messages, presenter mode. Kept in the browser, if it lets us.

import { read, write } from "./kept.js";
import { TEXTS } from "./texts.js";

const THEMES = ["system", "light", "dark"];
const asked = new URLSearchParams(location.search);

function chosen(name, allowed, otherwise) {
  const found = asked.get(name) ?? read(name);
  return allowed.includes(found) ? found : otherwise;
}

/** Calls `changed` after each change. */
export class Settings {
  constructor(changed) {
    this._changed = changed;
    this._system = matchMedia("(prefers-color-scheme: dark)");
    this.language = chosen("language", Object.keys(TEXTS), navigator.language.startsWith("ja") ? "ja" : "en");
    this.theme = chosen("theme", THEMES, "system");
    this.messages = chosen("messages", ["on", "off"], "off") === "on";
    this.presenter = asked.get("presenter") === "on";
    this._apply();
    this._system.addEventListener("change", () => this._keep("theme", this.theme));
  }

  get texts() {
    return TEXTS[this.language];
  }

  /** Are the colours those for a dark room? */
  get dark() {
    return this.theme === "system" ? this._system.matches : this.theme === "dark";
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

  /** Big letters and only what an audience needs. Not kept: who comes back tomorrow comes to look around. */
  togglePresenter() {
    this.presenter = !this.presenter;
    this._apply();
    this._changed();
  }

  _keep(name, value) {
    write(name, value);
    this._apply();
    this._changed();
  }

  /** Styles know one attribute for the colours: what the system says is looked up here, so each palette stands once. */
  _apply() {
    const root = document.documentElement;
    root.lang = this.language;
    root.dataset.theme = this.dark ? "dark" : "light";
    root.dataset.presenter = this.presenter ? "on" : "off";
  }
}
