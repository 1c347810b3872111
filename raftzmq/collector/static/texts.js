// Every word of the page, in English and Japanese: those of the page itself at the top, each view's under its name.

import * as charts from "./words/charts.js";
import * as faults from "./words/faults.js";
import * as feed from "./words/feed.js";
import * as grid from "./words/grid.js";
import * as inspector from "./words/inspector.js";
import * as keys from "./words/keys.js";
import * as labs from "./words/labs.js";
import * as lamport from "./words/lamport.js";
import * as links from "./words/links.js";
import * as page from "./words/page.js";
import * as ring from "./words/ring.js";
import * as request from "./words/request.js";
import * as table from "./words/table.js";
import * as timeline from "./words/timeline.js";
import * as tour from "./words/tour.js";

const PARTS = { charts, faults, feed, grid, inspector, keys, labs, lamport, links, request, ring, table, timeline, tour };

const of = (language) => ({
  ...page[language],
  ...Object.fromEntries(Object.entries(PARTS).map(([name, words]) => [name, words[language]])),
});

export const TEXTS = { en: of("en"), ja: of("ja") };
