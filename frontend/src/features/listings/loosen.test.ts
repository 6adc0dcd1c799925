import { describe, expect, it } from "vitest";
import type { Facets } from "@/shared/api/types";
import { parseFilters } from "./filters";
import { loosened } from "./loosen";

const filters = parseFilters(new URLSearchParams("q=elm&status=Active&min_beds=5&max_price=9&city=Ames"));
const counts = (...numbers: number[]) => numbers.map((count, value) => ({ value: String(value), count }));

describe("what to let go of", () => {
  it("names every filter in force, those that are known to help first, without those that do not", () => {
    const facets = {
      status: counts(3, 4),
      price: [],
      bedrooms: counts(20),
      type: [],
      city: counts(1),
      subdivision: [],
    };
    const ways = loosened(filters, facets as unknown as Facets);
    expect(ways.map(({ words, count }) => [words, count])).toEqual([
      ["Any number of bedrooms", 20],
      ["Any status", 7],
      ["Without the words", undefined],
      ["Any city", undefined],
    ]);
    expect(ways[1]?.filters).toEqual(parseFilters(new URLSearchParams("q=elm&min_beds=5&max_price=9&city=Ames")));
  });

  it("names them all while the search does not count", () => {
    expect(loosened(filters, undefined).map(({ words }) => words)).toContain("Any price");
  });
});
