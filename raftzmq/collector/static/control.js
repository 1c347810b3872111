// What may be changed from this page: with the token that its address brought, and only by the collector that made it.

const NAME = "raftzmq.token";

/** The collector refused, and said why; `code` is the HTTP status, 0 if it could not be reached. */
export class Refused extends Error {
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

function kept() {
  try {
    return sessionStorage.getItem(NAME) ?? "";
  } catch {
    return ""; // a browser that keeps nothing: the token lasts as long as the page
  }
}

/** The token in the address, which is then taken out of it: whoever copies the address must not give control away. */
function arrived() {
  const part = new URLSearchParams(location.hash.slice(1));
  const token = part.get("token");
  if (token === null) return null;
  part.delete("token");
  const rest = part.toString();
  history.replaceState(history.state, "", `${location.pathname}${location.search}${rest ? `#${rest}` : ""}`);
  try {
    sessionStorage.setItem(NAME, token);
  } catch {
    return token;
  }
  return token;
}

export class Control {
  constructor(page) {
    this._page = page;
    this._told = [];
    this._token = arrived() ?? kept();
    /** Was the token right, as far as is known? */
    this.allowed = false;
    /** The nodes in lab mode, as the collector knew when it was asked last. */
    this.lab = [];
    /** Is there a supervisord that can start nodes again? */
    this.supervised = false;
    addEventListener("hashchange", () => this._arrive());
    this.refresh();
  }

  /** Has the address brought a token, be it a wrong one? */
  get tried() {
    return this._token !== "";
  }

  /** Be told when `allowed`, `lab` or `supervised` may have changed. */
  onChange(told) {
    this._told.push(told);
  }

  /** Ask the collector what this page may do. */
  async refresh() {
    try {
      const { allowed, lab, supervised } = await this.read("/v1/control");
      Object.assign(this, { allowed, lab, supervised });
    } catch (refused) {
      if (refused.code !== 0) this.allowed = false; // a recording has nothing to control
    }
    for (const told of this._told) told();
    this._page.changed();
  }

  /** POST an object as JSON: the answer as an object. Throws Refused. */
  call(path, body) {
    return this._ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  }

  /** POST anything else, such as a file: the answer as an object. Throws Refused. */
  post(path, body, headers) {
    return this._ask(path, { method: "POST", headers: { ...headers }, body });
  }

  /** GET what needs the token: the answer as an object. Throws Refused. */
  read(path) {
    return this._ask(path, { headers: {} });
  }

  async _ask(path, options) {
    if (this._token) options.headers.Authorization = `Bearer ${this._token}`;
    let answer;
    try {
      answer = await fetch(path, { ...options, cache: "no-store" });
    } catch {
      throw new Refused(this._page.settings.texts.faults.unreachable, 0);
    }
    const said = await answer.json().catch(() => ({}));
    if (answer.ok) return said;
    if (answer.status === 401 || answer.status === 403) this.allowed = false;
    throw new Refused(said.error?.message ?? `HTTP ${answer.status}`, answer.status);
  }

  _arrive() {
    const token = arrived();
    if (token === null) return;
    this._token = token;
    this.refresh();
  }
}
