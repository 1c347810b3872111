// The head of the page: what an audience must see in ten seconds, and the buttons beside it.

import { Audit } from "./audit.js";
import { show } from "./number.js";
import { place, put, say } from "./svg.js";

const $ = (id) => document.getElementById(id);
const dash = (value) => (value === null ? "–" : show(value));
const FACTS = ["term", "committed", "up", "changes"];

/** The address of this page for who may look and not touch: without anything that gives control. */
export function readOnlyAddress() {
  const part = new URLSearchParams(location.hash.slice(1));
  part.delete("token");
  const hash = part.toString();
  return `${location.origin}${location.pathname}${location.search}${hash ? `#${hash}` : ""}`;
}

export class Head {
  constructor(page) {
    this._page = page;
    this._audit = new Audit($("audit"), $("audited"));
    this._still = matchMedia("(prefers-reduced-motion: reduce)");
    const { settings, keys } = page;
    const buttons = {
      messages: ["m", () => settings.toggleMessages()],
      share: ["c", () => this._share()],
      presenter: ["p", () => settings.togglePresenter()],
      language: ["l", () => settings.nextLanguage()],
      theme: ["t", () => settings.nextTheme()],
    };
    for (const [name, [key, run]] of Object.entries(buttons)) {
      $(name).onclick = run;
      keys.add(key, run, (texts) => texts.meanings[name], name === "messages" ? "stage" : "page");
    }
    const seen = ([entry]) => (document.body.dataset.scrolled = String(!entry.isIntersecting));
    new IntersectionObserver(seen, { rootMargin: "-48px 0px 0px 0px" }).observe($("headline"));
    $("help").onclick = () => keys.toggle();
    keys.onEscape(() => settings.presenter && (settings.togglePresenter(), true));
  }

  /** The words that stand still. */
  say(texts) {
    const { settings } = this._page;
    for (const name of ["messages", "share", "presenter"]) say($(name), texts[name]);
    for (const name of ["messages", "share", "presenter", "theme", "help"]) $(name).title = texts[`${name}Title`];
    for (const name of ["messages", "presenter"]) $(name).ariaPressed = String(settings[name]);
    say($("language"), texts.other);
    $("language").title = texts.otherTitle;
    say($("theme"), texts.theme[settings.theme]);
    for (const name of FACTS) {
      say($(`label-${name}`), texts.labels[name]);
      $(name).parentElement.title = texts.tells[name];
    }
    say($("ring-title"), texts.ringTitle);
    say($("about"), texts.about);
    const legend = $("legend");
    legend.replaceChildren();
    for (const role of ["leader", "follower", "candidate"]) put(legend, "li", role, texts.roles[role]);
    for (const condition of ["silent", "down"]) put(legend, "li", condition, texts.conditions[condition]);
    const dots = $("dots");
    dots.replaceChildren();
    for (const [kind, word] of Object.entries(texts.dots)) put(dots, "li", `dot-${kind}`, word);
    dots.classList.toggle("off", !settings.messages);
  }

  /** `link` says how the connection is; `cluster` is the cluster's name. */
  draw({ state, standing, texts, live }, link, cluster) {
    say($("headline"), standing.headline);
    place(document.body, { "data-leader": standing.leader ?? "", "data-live": live });
    this._hail(standing.leader, live);
    const term = standing.term ? show(standing.term) : "–";
    say($("term"), term);
    say($("committed"), dash(standing.committed));
    say($("up"), texts.upOf(standing.up ?? "–", standing.of));
    say($("changes"), show(standing.changes));
    const leads = standing.deaf ? texts.deaf : standing.leader;
    say($("brief"), texts.brief(leads, term, dash(standing.committed)));
    say($("explained"), standing.explained);
    place($("explained"), { title: standing.explained });
    this._audit.draw(state.all, texts, standing.deaf);
    const { flights, settings } = this._page;
    const sampled = settings.messages && flights.oneOf > 1 ? ` · ${texts.flying(flights.oneOf)}` : "";
    say($("link"), (live ? texts[link] : texts.past) + sampled);
    place($("link"), { "data-standing": live ? link : "past" });
    const title = texts.pageTitle(leads, term, cluster);
    if (document.title !== title) document.title = title;
  }

  /** Somebody has just begun to lead: the headline says it with a beat, unless the viewer wants things still. */
  _hail(leader, live) {
    const before = this._leader;
    this._leader = leader;
    if (!live || leader === null || before === undefined || leader === before || this._still.matches) return;
    const beat = [{ transform: "scale(1.06)", textShadow: "0 0 0.5em var(--leader)" }, { transform: "none", textShadow: "none" }];
    $("headline").animate(beat, { duration: 900, easing: "ease-out" });
  }

  async _share() {
    const { texts } = this._page.settings;
    const address = readOnlyAddress();
    try {
      await navigator.clipboard.writeText(address);
      this._page.toast(texts.shared, "good");
    } catch {
      this._page.toast(texts.unshared(address), "info");
    }
  }
}
