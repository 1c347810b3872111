// What the browser keeps for the page from one visit to the next, if it lets us.

/** What was kept under a name, or null. */
export function read(name) {
  try {
    return localStorage.getItem(`raftzmq.${name}`);
  } catch {
    return null; // a browser that keeps nothing: a choice lasts as long as the page
  }
}

/** Keep a text under a name. */
export function write(name, value) {
  try {
    localStorage.setItem(`raftzmq.${name}`, value);
  } catch {
    return;
  }
}
