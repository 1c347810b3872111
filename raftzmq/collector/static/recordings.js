// What the collector has of recordings: moments, events and outlines, asked for over HTTP.

import { TEXTS } from "./texts.js";

const PATH = "/v1/recordings";
/** The collector's own recording, which goes on. */
export const LIVE = "live";

/** What the server says: [response, text]. A browser's own words for one that isn't there would tell nobody anything. */
async function fetched(address, signal) {
  try {
    const response = await fetch(address, { signal });
    return [response, await response.text()];
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Error((TEXTS[document.documentElement.lang] ?? TEXTS.en).faults.unreachable);
  }
}

function answerOf([response, text]) {
  if (response.ok) return JSON.parse(text);
  let told = null;
  try {
    told = JSON.parse(text).error.message;
  } catch {
    told = `${response.status} ${response.statusText}`;
  }
  throw new Error(told);
}

async function ask(path, parameters = {}, signal = undefined) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== undefined)).toString();
  return answerOf(await fetched(`${PATH}${path}${query ? `?${query}` : ""}`, signal));
}

export const list = () => ask("");
export const about = (id) => ask(`/${encodeURIComponent(id)}`);

/** The state at a `position` or time `ms`, and up to `lead` events that led there, from the state `from` on. */
export const moment = (id, { position, ms }, lead, signal) =>
  ask(`/${encodeURIComponent(id)}/state`, { position, ms, lead }, signal);

/** The events behind a position. */
export const events = (id, after, count, signal) => ask(`/${encodeURIComponent(id)}/events`, { after, count }, signal);

/** The position of the next mark, or the one before, or null. */
export const tick = async (id, position, step) => (await ask(`/${encodeURIComponent(id)}/tick`, { position, step })).position;

export const outline = (id, { from, to, buckets }) => ask(`/${encodeURIComponent(id)}/outline`, { from, to, buckets });

/** The part of the page's address behind #, where it names a moment: with this { recording, at } instead, or none. */
export function hashOf(hash, moment) {
  const part = new URLSearchParams(hash.slice(1));
  if (!part.has("recording")) return hash;
  for (const name of ["recording", "at"]) {
    if (moment === null) part.delete(name);
    else part.set(name, moment[name]);
  }
  const said = part.toString();
  return said ? `#${said}` : "";
}

/** Where a recording, or a part of it, is had as a file. */
export function fileOf(id, { from, to } = {}) {
  const query = from === undefined ? "" : `?from=${from}&to=${to}`;
  return `${PATH}/${encodeURIComponent(id)}/file${query}`;
}

/** Open somebody's file; what the collector says of it. Throws Refused. */
export function open(file, control) {
  const headers = { "Content-Type": "application/zstd", Slug: encodeURIComponent(file.name) };
  return control.post(PATH, file, headers);
}
