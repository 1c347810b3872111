// What is known of one entry over all nodes: who has it, on whose disk it is, whether it is committed. No elements here.

/** Is entry `index` of `row` the same as that of `other`, as far as their terms say? Null: nobody knows. */
function same(index, row, other) {
  const [mine, theirs] = [row.log.terms.at(index), other.log.terms.at(index)];
  if (mine !== null && theirs !== null) return mine === theirs; // index and term name an entry (Raft §5.3)
  return index <= row.commit && index <= other.commit ? true : null; // committed entries are the same everywhere
}

/** The entry `index` of the node `name`, null if its log has none there; `rows` are those of the grid. */
export function entryAt(index, name, rows) {
  const row = rows.find((one) => one.name === name);
  if (row === undefined || index <= row.mark || index > row.last) return null;
  const found = {
    index,
    node: name,
    term: row.log.terms.at(index),
    chain: row.log.chains.at(index),
    committed: index <= row.commit,
    holders: [],
    disks: [],
    applied: [],
    commits: [],
    others: [],
    unsure: [],
    snapshots: [],
    missing: [],
    chained: [],
  };
  for (const other of rows) {
    const agrees = index > other.last ? null : index <= other.mark ? "snapshot" : other === row || same(index, row, other);
    if (index > other.last) found.missing.push(other.name);
    else if (agrees === "snapshot") found.snapshots.push(other.name);
    else if (agrees === false) found.others.push({ name: other.name, term: other.log.terms.at(index) });
    else if (agrees === null) found.unsure.push(other.name);
    else {
      found.holders.push(other.name);
      if (index <= other.stable) found.disks.push(other.name);
      if (index <= other.commit) found.commits.push(other.name);
      if (index <= other.applied) found.applied.push(other.name);
      if (found.chain !== null && other.log.chains.at(index) === found.chain) found.chained.push(other.name);
    }
  }
  found.committed ||= found.commits.length > 0;
  return found;
}
