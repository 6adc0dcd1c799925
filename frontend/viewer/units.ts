/** Values as people read them, by Grafana's names of units. */

const SHORT = ["", " k", " M", " G", " T"];
const BYTES = [" B", " KiB", " MiB", " GiB", " TiB"];

function rounded(value: number, decimals?: number): string {
  const digits = decimals ?? (Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
  return String(Number(value.toFixed(digits)));
}

function scaled(value: number, base: number, names: string[], decimals?: number): string {
  let [left, power] = [value, 0];
  while (Math.abs(left) >= base && power < names.length - 1) {
    left /= base;
    power += 1;
  }
  return `${rounded(left, decimals)}${names[power] ?? ""}`;
}

function duration(seconds: number, decimals?: number): string {
  const size = Math.abs(seconds);
  if (size === 0) return "0 s";
  if (size < 0.001) return `${rounded(seconds * 1e6, decimals)} µs`;
  if (size < 1) return `${rounded(seconds * 1000, decimals)} ms`;
  if (size < 120) return `${rounded(seconds, decimals)} s`;
  if (size < 7200) return `${rounded(seconds / 60, decimals)} min`;
  if (size < 172_800) return `${rounded(seconds / 3600, decimals)} h`;
  return `${rounded(seconds / 86_400, decimals)} d`;
}

/** The value in its unit; a dash for what is no number. */
export function shown(value: number | null | undefined, unit = "short", decimals?: number): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  switch (unit) {
    case "percentunit":
      return `${rounded(value * 100, decimals)} %`;
    case "s":
      return duration(value, decimals);
    case "d":
      return `${rounded(value, decimals ?? 0)} d`;
    case "bytes":
      return scaled(value, 1024, BYTES, decimals);
    case "reqps":
      return `${scaled(value, 1000, SHORT, decimals)} req/s`;
    case "ops":
      return `${scaled(value, 1000, SHORT, decimals)} /s`;
    case "bool_yes_no":
      return value === 0 ? "No" : "Yes";
    case "none":
      return rounded(value, decimals);
    default:
      return scaled(value, 1000, SHORT, decimals);
  }
}
