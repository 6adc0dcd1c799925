import { describe, expect, it } from "vitest";
import { day, moment, money, plural, squareFeet } from "./format";

describe("words for figures", () => {
  it.each([
    [21_500_000, "USD", "$215,000"],
    [21_500_050, "USD", "$215,000.50"],
    [21_500_000, "JPY", "¥21,500,000"],
    [1_234_567, "KWD", "KWD 1,234.567"],
  ])("%i minor units of %s are %s", (amount, currency, written) => {
    expect(money({ amount, currency }).replace("\u00a0", " ")).toBe(written);
  });

  it("shows a calendar day as the feed wrote it, in every zone", () => {
    expect(day("2010-05-01")).toBe("May 1, 2010");
  });

  it("shows a moment in the zone it is told, with the zone's name", () => {
    expect(moment("2026-03-01T05:30:00Z", "America/Chicago")).toBe("Feb 28, 2026, 11:30 PM CST");
  });

  it("shows a moment in the viewer's own zone, by name, when the zone is unknown to the browser", () => {
    const here = new Intl.DateTimeFormat().resolvedOptions().timeZone;
    expect(moment("2026-03-01T05:30:00Z", "Mars/Olympus_Mons")).toBe(moment("2026-03-01T05:30:00Z", here));
  });

  it("counts one listing and several, and square feet without decimals", () => {
    expect([plural(1, "listing", "listings"), plural(2930, "listing", "listings")]).toEqual([
      "1 listing",
      "2,930 listings",
    ]);
    expect(squareFeet(1656.4)).toBe("1,656 sq ft");
  });
});
