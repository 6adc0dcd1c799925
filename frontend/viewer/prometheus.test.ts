import { HttpResponse, http } from "msw";
import { describe, expect, it } from "vitest";
import { server } from "@/testing/setup";
import { exemplars, latest, over, valuesOf } from "./prometheus";

const SPAN = { start: 100, end: 130, step: 10 };

function answers(data: unknown, asked: URL[] = []) {
  server.use(
    http.get("*/api/v1/*", ({ request }) => {
      asked.push(new URL(request.url));
      return HttpResponse.json({ status: "success", data });
    }),
  );
  return asked;
}

describe("what Prometheus answers", () => {
  it("are series over a time, what is no number being a gap", async () => {
    const asked = answers({
      result: [
        {
          metric: { a: "b" },
          values: [
            [100, "1.5"],
            [110, "NaN"],
            [120, "+Inf"],
          ],
        },
      ],
    });
    expect(await over("up", SPAN)).toEqual([
      {
        labels: { a: "b" },
        points: [
          [100, 1.5],
          [110, null],
          [120, null],
        ],
      },
    ]);
    expect(asked[0]?.search).toBe("?query=up&start=100&end=130&step=10");
  });

  it("is the latest value", async () => {
    const asked = answers({ result: [{ metric: {}, value: [130, "7"] }] });
    expect(await latest("up", 130)).toEqual([{ labels: {}, points: [[130, 7]] }]);
    expect(asked[0]?.search).toBe("?query=up&time=130");
  });

  it("are single requests with their traces", async () => {
    const one = { labels: { trace_id: "4bf92f35" }, value: "0.42", timestamp: 111.5 };
    answers([
      { seriesLabels: { pod: "a" }, exemplars: [one] },
      { seriesLabels: { pod: "b" }, exemplars: [] },
    ]);
    expect(await exemplars("x", SPAN)).toEqual([{ at: 111.5, value: 0.42, trace: "4bf92f35" }]);
  });

  it("are the values of a label of a metric", async () => {
    const asked = answers(["acme-1"]);
    expect(await valuesOf("label_values(rooftree_operator_brokerage_info, tenant)")).toEqual(["acme-1"]);
    expect(asked[0]?.pathname).toBe("/api/v1/label/tenant/values");
    expect(asked[0]?.searchParams.get("match[]")).toBe("rooftree_operator_brokerage_info");
  });

  it("that is no JSON is told by its status", async () => {
    server.use(http.get("*/api/v1/query", () => new HttpResponse("<html>", { status: 503 })));
    await expect(latest("up", 1)).rejects.toThrow("Prometheus answers 503.");
  });
});
