/** Between an instant and what a calendar and a clock show in a time zone, as `<input type="datetime-local">` writes it. */

const PARTS: Intl.DateTimeFormatOptions = {
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
};

/** What calendar and clock show, as if it were UTC. */
function shownAt(instant: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat("en-US", { ...PARTS, timeZone }).formatToParts(instant);
  const part = (type: string) => Number(parts.find((each) => each.type === type)?.value);
  return Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
}

/** `2026-03-01T05:30:00Z` in Chicago → `2026-02-28T23:30`. */
export const toLocal = (instant: string, timeZone: string): string =>
  new Date(shownAt(Date.parse(instant), timeZone)).toISOString().slice(0, 16);

/**
 * `2026-02-28T23:30` in Chicago → `2026-03-01T05:30:00.000Z`. An hour that the clock skips is the one after it; of one
 * that comes twice, the first is meant.
 */
export function toInstant(local: string, timeZone: string): string {
  const wanted = Date.parse(`${local}Z`);
  const DAY = 86_400_000;
  // The zone's distance from UTC before and after whatever change of clocks is near.
  const offsets = [wanted - DAY, wanted + DAY].map((near) => shownAt(near, timeZone) - near);
  const candidates = offsets.map((offset) => wanted - offset);
  const exact = candidates.find((candidate) => shownAt(candidate, timeZone) === wanted);
  return new Date(exact ?? Math.max(...candidates)).toISOString();
}

/** Whether this browser knows the zone. */
export function isKnownZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat("en-US", { timeZone });
    return true;
  } catch {
    return false;
  }
}

export const ownZone = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone;
