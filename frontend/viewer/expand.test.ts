import { describe, expect, it } from "vitest";
import { addressOf, asPattern, expand, legendOf, secondsOf, stepFor } from "./expand";

describe("times", () => {
  it.each([
    ["now", 1_000_000],
    ["now-90s", 999_910],
    ["now-6h", 978_400],
    ["now-3d", 740_800],
    ["1700000000000", 1_700_000_000],
  ])("%s is so many seconds", (time, seconds) => expect(secondsOf(time, 1_000_000)).toBe(seconds));

  it("a longer time and a smaller chart have fewer points", () => {
    expect(stepFor(1800, 900)).toBe(10);
    expect(stepFor(1800, 200)).toBe(30);
    expect(stepFor(3 * 86_400, 900)).toBe(1800);
    expect(stepFor(400 * 86_400, 900)).toBeGreaterThan(10_800);
  });
});

describe("variables", () => {
  it("are put in with and without braces, the longer name first", () => {
    const values = { tenant: "acme-1", tenants: "all" };
    expect(expand(`a{t="$tenant"} + b{t="\${tenant}"} + c{t="$tenants"}`, values, 5)).toBe(
      'a{t="acme-1"} + b{t="acme-1"} + c{t="all"}',
    );
  });

  it("a rate looks at four values at least, and at no less than a step", () => {
    expect(expand("rate(a[$__rate_interval])", {}, 10)).toBe("rate(a[60s])");
    expect(expand("rate(a[$__rate_interval])", {}, 300)).toBe("rate(a[315s])");
  });

  it("one without a value is told, and not asked for", () => {
    expect(() => expand('a{t="$tenant"}', {}, 5)).toThrow("$tenant");
  });

  it("a choice is a pattern that finds these values and no others", () => {
    expect(asPattern([], ".+")).toBe(".+");
    expect(asPattern(["a.b"], ".+")).toBe("a\\\\.b");
    expect(asPattern(["a", "b+c"], ".+")).toBe("(a|b\\\\+c)");
  });
});

describe("names of series", () => {
  it("say what the legend says", () => {
    expect(legendOf("{{tenant}} {{ consumer }}", { tenant: "acme", consumer: "search" })).toBe("acme search");
    expect(legendOf("pods {{module}}", {})).toBe("pods");
  });

  it("are the labels where there is no legend", () => {
    expect(legendOf(undefined, { __name__: "up", job: "app" })).toBe('up{job="app"}');
    expect(legendOf("", {})).toBe("value");
  });
});

describe("an address", () => {
  it("has the value that is chosen, and there is none while several or no one is", () => {
    const url = `/replay?tenant=\${tenant}`;
    expect(addressOf(url, { tenant: ["acme-1"] })).toBe("/replay?tenant=acme-1");
    expect(addressOf(url, { tenant: ["a&b=c"] })).toBe("/replay?tenant=a%26b%3Dc");
    expect(addressOf(url, { tenant: ["acme-1", "birch-2"] })).toBeNull();
    expect(addressOf(url, {})).toBeNull();
    expect(addressOf("/replay", {})).toBe("/replay");
  });
});
