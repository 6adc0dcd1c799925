import { describe, expect, it } from "vitest";
import { isSame, readMoney, readNumber } from "./values";

describe("an amount of money", () => {
  it.each([
    ["450,000", 45_000_000],
    ["450000.50", 45_000_050],
    ["$ 1,234,567.8", 123_456_780],
    ["0.07", 7],
    ["4.35", 435],
    ["1.", 100],
    ["90071992547409.91", 9_007_199_254_740_991],
  ])("is read to the cent: %s", (text, amount) => {
    expect(readMoney(text, "USD", 2)).toEqual({ amount, currency: "USD" });
  });

  it.each(["45o,000", "450,00", "1.234", "-5", "1,2,3", "90071992547409.92", "1e5"])(
    "is not guessed: %s stays as typed",
    (text) => {
      expect(readMoney(text, "USD", 2)).toEqual({ text });
    },
  );

  it("has no decimals in a currency without any", () => {
    expect(readMoney("¥450,000", "JPY", 0)).toEqual({ amount: 450_000, currency: "JPY" });
    expect(readMoney("450000.5", "JPY", 0)).toEqual({ text: "450000.5" });
  });

  it("may be left out", () => {
    expect(readMoney("  ", "USD", 2)).toBeNull();
  });
});

describe("a number", () => {
  it.each([
    ["1,234", 1234],
    ["-93.62", -93.62],
    ["2.5", 2.5],
    ["", null],
  ])("is read as people write it: %s", (text, value) => {
    expect(readNumber(text)).toBe(value);
  });

  it("that has to be whole takes no fraction", () => {
    expect(readNumber("2.5", { whole: true })).toEqual({ text: "2.5" });
    expect(readNumber("three")).toEqual({ text: "three" });
  });
});

it("no statement is the same, however it is written", () => {
  expect(isSame(null, "")).toBe(true);
  expect(isSame([], undefined)).toBe(true);
  expect(isSame(0, null)).toBe(false);
  expect(isSame(["a", "b"], ["b", "a"])).toBe(false);
});
