/** Words for figures. The interface is in American English; amounts keep their own currency, times their stated zone. */
const LOCALE = "en-US";

export interface MoneyLike {
  /** In the currency's minor units: cents of a dollar, whole yen. */
  amount: number;
  currency: string;
}

export const minorDigits = (currency: string): number =>
  new Intl.NumberFormat(LOCALE, { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;

export const major = ({ amount, currency }: MoneyLike): number => amount / 10 ** minorDigits(currency);

/** A price; without decimals when it has none. */
export function money(value: MoneyLike): string {
  const units = major(value);
  const options: Intl.NumberFormatOptions = { style: "currency", currency: value.currency };
  if (Number.isInteger(units)) Object.assign(options, { minimumFractionDigits: 0, maximumFractionDigits: 0 });
  return new Intl.NumberFormat(LOCALE, options).format(units);
}

/** Whole currency units, as the price filters use them. */
export const wholeMoney = (units: number, currency: string): string =>
  new Intl.NumberFormat(LOCALE, { style: "currency", currency, maximumFractionDigits: 0 }).format(units);

export const currencySign = (currency: string): string =>
  new Intl.NumberFormat(LOCALE, { style: "currency", currency, currencyDisplay: "narrowSymbol" })
    .formatToParts(0)
    .find(({ type }) => type === "currency")?.value ?? currency;

export const count = (value: number): string => new Intl.NumberFormat(LOCALE).format(value);

export const decimal = (value: number, digits = 2): string =>
  new Intl.NumberFormat(LOCALE, { maximumFractionDigits: digits }).format(value);

export const squareFeet = (value: number): string => `${decimal(value, 0)} sq ft`;

export const plural = (value: number, one: string, other: string): string =>
  `${count(value)} ${value === 1 ? one : other}`;

/** A calendar day as the feed wrote it (`2010-05-21`): no zone may move it. */
export const day = (value: string): string =>
  new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeZone: "UTC" }).format(
    new Date(`${value.slice(0, 10)}T00:00Z`),
  );

const MOMENT: Intl.DateTimeFormatOptions = {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "numeric",
  minute: "2-digit",
  timeZoneName: "short",
};

function clockIn(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat(LOCALE, { ...MOMENT, timeZone });
  } catch (error) {
    if (error instanceof RangeError) return new Intl.DateTimeFormat(LOCALE, MOMENT);
    throw error;
  }
}

/** A moment in the named zone, with the zone's abbreviation; in the viewer's zone when the browser knows no such zone. */
export const moment = (value: string, timeZone: string): string => clockIn(timeZone).format(new Date(value));

/** The time of a day in the named zone: `10:42 AM`. */
export function clock(value: Date | string, timeZone: string): string {
  const zone = clockIn(timeZone).resolvedOptions().timeZone;
  const options: Intl.DateTimeFormatOptions = { hour: "numeric", minute: "2-digit", timeZone: zone };
  return new Intl.DateTimeFormat(LOCALE, options).format(new Date(value));
}

/** `mls-ames` → "Mls ames" would be wrong; keys that machines made are shown as they are, only split into words. */
export const words = (value: string): string =>
  value
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .replaceAll("_", " ")
    .replace(/^./, (first) => first.toUpperCase());

/** A figure for a narrow place: `1.2K`. */
export const compact = (value: number): string =>
  new Intl.NumberFormat(LOCALE, { notation: "compact", maximumFractionDigits: 1 }).format(value);

/** A price for a pin on a map: `$250K`. */
export const shortMoney = (value: MoneyLike): string =>
  new Intl.NumberFormat(LOCALE, {
    style: "currency",
    currency: value.currency,
    notation: "compact",
    maximumSignificantDigits: 3,
  }).format(major(value));

/** `75` → "1 min 15 s"; `4000` → "1 h 6 min". */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours >= 48) return plural(Math.floor(hours / 24), "day", "days");
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${rest} s` : `${rest} s`;
}

/** A span to the minute: "less than a minute", "12 min", "3 h 20 min", "4 days". */
export function span(seconds: number): string {
  if (seconds < 60) return "less than a minute";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return duration(seconds);
}
