// What the collector has of recordings: moments, events and outlines, asked for over HTTP.

const PATH = "/v1/recordings";
/** The collector's own recording, which goes on. */
export const LIVE = "live";

async function answerOf(response) {
  const text = await response.text();
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
  return answerOf(await fetch(`${PATH}${path}${query ? `?${query}` : ""}`, { signal }));
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
