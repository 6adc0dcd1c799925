import { describe, expect, it } from "vitest";
import type { Suggestion } from "@/shared/api/types";
import { grouped } from "./use-suggestions";

describe("suggestions", () => {
  it("keep a kind together where its best was found, and number all through", () => {
    const items = (["address", "city", "address", "subdivision"] as const).map(
      (kind, index): Suggestion => ({ kind, text: `${kind} ${index}`, property_id: null, count: null }),
    );
    expect(
      grouped(items).map(({ title, items: group }) => [title, group.map(({ text, index }) => [text, index])]),
    ).toEqual([
      [
        "Addresses",
        [
          ["address 0", 0],
          ["address 2", 1],
        ],
      ],
      ["Cities", [["city 1", 2]]],
      ["Subdivisions", [["subdivision 3", 3]]],
    ]);
  });
});
