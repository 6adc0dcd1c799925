import { expect, it } from "vitest";
import { readAddress, writeAddress } from "./address";

it("an address tells dashboard, time and choices, and is written the same", () => {
  const pathname = "/d/rooftree-tenant";
  const search = "?var-tenant=acme-1&var-tenant=birch-2&from=now-6h&to=now";
  const address = readAddress({ pathname, search });
  expect(address).toEqual({
    uid: "rooftree-tenant",
    from: "now-6h",
    to: "now",
    chosen: { tenant: ["acme-1", "birch-2"] },
  });
  expect(writeAddress(address)).toBe(`${pathname}${search}`);
});

it("all of them is no choice", () => {
  expect(readAddress({ pathname: "/d/x", search: "?var-tenant=$__all&var-a=" }).chosen).toEqual({});
});

it("an address that names nothing has no dashboard", () => {
  expect(readAddress({ pathname: "/", search: "" }).uid).toBe("");
});
