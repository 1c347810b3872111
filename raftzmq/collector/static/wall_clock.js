// A wall clock's time as text, to the millisecond; with the day if it isn't today.

const two = (number) => String(number).padStart(2, "0");

/** `ms` since 1970, in the viewer's time zone. */
export function clock(ms, locale = "en-GB") {
  if (!(ms > 0)) return "–";
  const at = new Date(ms);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
  if (at.toDateString() === new Date().toDateString()) return time;
  const day = at.toLocaleDateString(locale, { day: "numeric", month: "short", ...(at.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" }) });
  return `${day} ${time}`;
}
