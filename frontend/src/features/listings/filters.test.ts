import { describe, expect, it } from "vitest";
import {
  canonical,
  countActive,
  NO_FILTERS,
  parseFilters,
  sortsFor,
  toQuery,
  toSearch,
  without,
  withoutFilters,
} from "./filters";

const parse = (search: string) => parseFilters(new URLSearchParams(search));

describe("filters in the address", () => {
  it.each([
    "",
    "q=oak+%26+elm",
    "min_price=1&max_price=2&min_beds=3&max_beds=4&min_baths=1&min_area=900&max_area=2000&min_year=1950&max_year=2000",
    "status=Active&type=Townhouse&type=Duplex&city=Ames&subdivision=Old+Town&postal_code=50010&sort=-area",
    "q=elm&sort=-modified",
    "bbox=-93.7%2C42%2C-93.6%2C42.1",
    "near=42.03%2C-93.62&radius=1609&sort=distance",
    "polygon=-93.7%2C42%3B-93.6%2C42%3B-93.6%2C42.1",
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
    "min_year=3000",
    "sort=relevance",
    "sort=distance",
    "sort=-modified",
    "bbox=-93.6,42,-93.7,42.1",
    "bbox=1,2,3",
    "near=42,-93",
    "near=91,0&radius=10",
    "near=42,-93&radius=200000",
    "polygon=1,1;2,2",
    "polygon=1,1;2,2;x,y",
    "city=",
  ])("%j means nothing and is dropped", (search) => {
    expect(parse(search)).toEqual(NO_FILTERS);
  });

  it("passes only what is set on to the API", () => {
    expect(toQuery(parse("status=Active"))).toEqual({ status: ["Active"] });
    expect(toQuery(parse("near=42.03,-93.62&radius=1609&sort=distance&city=Ames"))).toEqual({
      near: "42.03,-93.62",
      radius: 1609,
      sort: "distance",
      city: ["Ames"],
    });
  });

  it("binds a search to one area: the drawn one before the circle before the map's frame", () => {
    const both = "near=42,-93&radius=10&bbox=-94,42,-93,43";
    expect(parse(both).area?.kind).toBe("circle");
    expect(parse(`${both}&polygon=1,1;2,2;3,1`).area?.kind).toBe("polygon");
  });

  it("offers the orders that mean something, and drops one that no longer does", () => {
    expect(sortsFor(parse("q=elm"))).toContain("relevance");
    expect(sortsFor(parse("near=42,-93&radius=10"))).toContain("distance");
    expect(sortsFor(NO_FILTERS)).not.toContain("relevance");
    const { area: _, ...rest } = parse("near=42,-93&radius=10&sort=distance");
    expect(canonical(rest)).toEqual(NO_FILTERS);
  });

  it("takes both ends of a range off together", () => {
    expect(without(parse("min_price=1&max_price=2&min_beds=3"), "min_price")).toEqual(parse("min_beds=3"));
  });

  it("counts filters, not text and order, and clears the same", () => {
    const filters = parse("q=elm&status=Active&min_beds=2&bbox=-94,42,-93,43&sort=area");
    expect(countActive(filters)).toBe(3);
    expect(toSearch(withoutFilters(filters)).toString()).toBe("q=elm&sort=area");
  });
});
