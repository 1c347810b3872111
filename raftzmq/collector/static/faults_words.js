// Faults of links in a few words, and which of them are in force. No elements here.

const PATIENCE_MS = 2000; // after its time, a fault whose end nobody heard of counts as over
const percent = (ppm) => `${Number((ppm / 10_000).toPrecision(3))} %`;
const ms = (us) => Number((us / 1000).toPrecision(4));

/** The faults in force in a state, each {from, to, fault}. */
export function faultsOf(state) {
  const { links, time_ms } = state.all;
  return Object.entries(links).flatMap(([from, targets]) =>
    Object.entries(targets)
      .filter(([, fault]) => fault.until_ms === null || fault.until_ms > time_ms - PATIENCE_MS)
      .map(([to, fault]) => ({ from, to, fault })),
  );
}

/** What is wrong with a link: its parts, shortly. */
export function partsOf(fault, words) {
  if (fault.cut) return [words.cutShort];
  const parts = fault.drop_ppm ? [`${words.dropShort} ${percent(fault.drop_ppm)}`] : [];
  if (fault.delay_us || fault.jitter_us) {
    parts.push(`+${ms(fault.delay_us)}${fault.jitter_us ? `±${ms(fault.jitter_us)}` : ""} ms`);
  }
  if (fault.duplicate_ppm) parts.push(`×2 ${percent(fault.duplicate_ppm)}`);
  return parts;
}

/** How many seconds a fault still lasts; null: until it is healed. */
export function leftOf(fault, time_ms) {
  return fault.until_ms === null ? null : Math.max(0, Math.ceil((fault.until_ms - time_ms) / 1000));
}

/**
 * The groups into which nodes are parted: where every link between two groups is cut both ways, and none within one
 * that joins it together. One group: they aren't parted.
 */
export function groupsOf(names, faults) {
  const cut = new Set(faults.filter(({ fault }) => fault.cut).map(({ from, to }) => `${from}\n${to}`));
  const apart = (a, b) => cut.has(`${a}\n${b}`) && cut.has(`${b}\n${a}`);
  const groups = [];
  for (const name of names) {
    const joined = groups.filter((group) => group.some((other) => !apart(name, other)));
    for (const group of joined) groups.splice(groups.indexOf(group), 1);
    groups.push([...joined.flat(), name]);
  }
  return groups;
}
