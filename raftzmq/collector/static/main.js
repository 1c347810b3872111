// Where the page begins: with the catalogue of events, and then with the events themselves.

import { Page } from "./page.js";

const catalogue = await (await fetch("/static/catalogue.json")).json();
/** For the browser's console: what the page knows. */
window.raftzmq = new Page(catalogue);
