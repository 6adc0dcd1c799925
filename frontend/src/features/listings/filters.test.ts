import { describe, expect, it } from "vitest";
import { countActive, NO_FILTERS, parseFilters, toQuery, toSearch, withoutFilters } from "./filters";

const parse = (search: string) => parseFilters(new URLSearchParams(search));

describe("filters in the address", () => {
  it.each([
    "",
    "q=oak+%26+elm",
    "min_price=1&max_price=2&min_beds=3&min_baths=1&min_area=900&max_area=2000",
    "type=Townhouse&type=Duplex&status=Active&sort=-area",
  ])("%j survives reading and writing", (search) => {
    expect(toSearch(parse(search)).toString()).toBe(search);
  });

  it.each([
    "min_price=-1",
    "min_price=1e3",
    "min_beds=0",
    "sort=drop",
    "q=%20",
    "type=",
    "colour=red",
    "status=Bogus",
    "min_beds=999",
  ])("%j means nothing and is dropped", (search) => {
    expect(parse(search)).toEqual(NO_FILTERS);
  });

  it("passes only what is set on to the API", () => {
    expect(toQuery(parse("status=Active"))).toEqual({ status: ["Active"], sort: "-modified" });
  });

  it("counts filters, not text and order, and clears the same", () => {
    const filters = parse("q=elm&status=Active&min_beds=2&sort=area");
    expect(countActive(filters)).toBe(2);
    expect(toSearch(withoutFilters(filters)).toString()).toBe("q=elm&sort=area");
  });
});
