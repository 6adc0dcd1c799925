import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { server } from "@/testing/setup";
import boards from "./boards.testing";
import { limitsOf } from "./lines-panel";
import type { Panel } from "./model";
import { Viewer } from "./viewer";

/** What a canvas would show: nothing is drawn here. */
const drawn = vi.hoisted(() => [] as { labels: string[]; data: (number | null)[][] }[]);
vi.mock("uplot", () => ({
  default: class {
    constructor(options: { series: { label?: string }[] }, data: (number | null)[][]) {
      drawn.push({ labels: options.series.slice(1).map(({ label }) => label ?? ""), data });
    }
    setSize() {}
    destroy() {}
  },
}));

/** A Prometheus that knows two brokerages, and remembers what it was asked. */
const asked: { path: string; query: string }[] = [];
let value = "3";

function answer(path: string, query: string) {
  const known = ["acme-1", "birch-2"].filter(
    (tenant) => !/tenant=~"(acme-1|birch-2)"/.test(query) || query.includes(tenant),
  );
  const series = known.map((tenant, number) => ({
    metric: { tenant, le: number === 0 ? "0.1" : "+Inf", status: "2xx" },
  }));
  if (path === "query") return series.map((one) => ({ ...one, value: [1_700_000_000, value] }));
  const now = Math.floor(Date.now() / 1000);
  return series.map((one) => ({ ...one, values: [-60, -30, 0].map((ago) => [now + ago - (now % 30), value]) }));
}

beforeEach(() => {
  asked.length = 0;
  drawn.length = 0;
  value = "3";
  server.use(
    http.get("*/dashboards.json", () => HttpResponse.json(boards)),
    http.get("*/api/v1/label/tenant/values", () =>
      HttpResponse.json({ status: "success", data: ["acme-1", "birch-2"] }),
    ),
    http.get("*/api/v1/query_exemplars", () => HttpResponse.json({ status: "success", data: [] })),
    http.get("*/api/v1/:path", ({ request, params }) => {
      const query = new URL(request.url).searchParams.get("query") ?? "";
      asked.push({ path: String(params.path), query });
      return HttpResponse.json({ status: "success", data: { result: answer(String(params.path), query) } });
    }),
  );
});

function open(address: string) {
  window.history.replaceState(null, "", address);
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  return render(
    <QueryClientProvider client={client}>
      <Viewer />
    </QueryClientProvider>,
  );
}

const panel = (name: string) => screen.findByRole("article", { name });

describe("the viewer", () => {
  it.each(boards.map(({ uid, title }) => [uid, title]))(
    "shows every panel of %s with what is found",
    async (uid, title) => {
      open(`/d/${uid}`);
      expect(await screen.findByRole("heading", { level: 1, name: title })).toBeVisible();
      const board = boards.find((one) => one.uid === uid);
      const panels = board?.panels.filter(({ type }) => type !== "row") ?? [];
      await waitFor(() => expect(screen.getAllByRole("article")).toHaveLength(panels.length));
      await waitFor(() => expect(screen.queryByText("Asking…")).toBeNull());
      expect(screen.queryByText(/Nothing is found|are shown by Grafana only/)).toBeNull();
      expect(screen.queryAllByRole("alert")).toEqual([]);
      expect(asked.filter(({ query }) => query.includes("$"))).toEqual([]);
    },
  );

  it("asks for the tenant that is chosen, and says so in the address", async () => {
    const user = userEvent.setup();
    open("/d/rooftree-tenant");
    const choice = await screen.findByRole("combobox", { name: "Tenant" });
    await waitFor(() => expect(choice).toHaveValue("acme-1"));
    await user.selectOptions(choice, "birch-2");
    expect(window.location.search).toContain("var-tenant=birch-2");
    await waitFor(() => expect(asked.some(({ query }) => query.includes('tenant=~"birch-2"'))).toBe(true));
  });

  it("leads to the replay of the tenant that is chosen, from where one is looked at", async () => {
    const user = userEvent.setup();
    open("/d/rooftree-scaling");
    const choice = await screen.findByRole("combobox", { name: "Tenant" });
    await waitFor(() => expect(choice).toHaveValue("acme-1"));
    await user.selectOptions(choice, "birch-2");
    const link = await screen.findByRole("link", { name: "Replay the last hour" });
    await waitFor(() => expect(link).toHaveAttribute("href", "/replay?tenant=birch-2"));
  });

  it("of a dashboard of several tenants asks for all until one is chosen", async () => {
    open("/d/rooftree-kafka");
    await panel("Oldest event");
    await waitFor(() => expect(asked.length).toBeGreaterThan(5));
    expect(asked.some(({ query }) => query.includes('tenant=~".+"'))).toBe(true);
  });

  it("leads from a tenant of a table to its dashboard", async () => {
    const user = userEvent.setup();
    open("/d/rooftree-fleet");
    const table = await panel("Brokerages");
    await user.click(await within(table).findByRole("link", { name: "birch-2" }));
    expect(await screen.findByRole("heading", { level: 1, name: "Rooftree / Tenant" })).toBeVisible();
    expect(window.location.href).toContain("/d/rooftree-tenant?var-tenant=birch-2");
    expect(window.location.href).not.toContain("$");
  });

  it("shows a number with its unit and the state that its threshold gives it", async () => {
    value = "150";
    open("/d/rooftree-kafka");
    const oldest = await panel("Oldest event");
    expect((await within(oldest).findAllByText("2.5 min")).length).toBeGreaterThan(0);
    expect(within(oldest).getAllByText("bad").length).toBeGreaterThan(0);
  });

  it("draws a line for each series and shows one alone when it is pressed", async () => {
    const user = userEvent.setup();
    open("/d/rooftree-kafka");
    const age = await panel("Age of the outbox");
    await user.click(await within(age).findByRole("button", { name: /birch-2/ }));
    expect(drawn.at(-1)?.labels).toEqual(["birch-2"]);
    expect(within(age).getByRole("button", { name: /birch-2/ })).toHaveAttribute("aria-pressed", "true");
  });

  it("names the traces of the slowest single requests", async () => {
    const requests = [0.2, 0.9, 0.4].map((value, at) => ({
      labels: { trace_id: `trace-${value}` },
      value: String(value),
      timestamp: 1_700_000_000 + at,
    }));
    server.use(
      http.get("*/api/v1/query_exemplars", () =>
        HttpResponse.json({ status: "success", data: [{ exemplars: requests }] }),
      ),
    );
    open("/d/rooftree-tenant");
    const durations = await panel("How long answers take");
    const traces = await within(durations).findAllByText(/^trace-/);
    expect(traces.map((one) => one.textContent)).toEqual(["trace-0.9", "trace-0.4", "trace-0.2"]);
  });

  it("says what Prometheus says when it refuses a question, in that panel alone", async () => {
    server.use(
      http.get("*/api/v1/query", () =>
        HttpResponse.json({ status: "error", error: "too many samples" }, { status: 422 }),
      ),
    );
    open("/d/rooftree-kafka");
    const oldest = await panel("Oldest event");
    expect(await within(oldest).findByRole("alert")).toHaveTextContent("too many samples");
    expect(await within(await panel("Age of the outbox")).findByRole("button", { name: /acme-1/ })).toBeVisible();
  });

  it("says that there is no such dashboard", async () => {
    open("/d/rooftree-nothing");
    expect(await screen.findByRole("alert")).toHaveTextContent("There is no dashboard rooftree-nothing.");
  });
});

it("draws the limits of a panel whose thresholds are lines, and none of another", () => {
  const steps = [
    { value: null, color: "green" },
    { value: 30, color: "yellow" },
  ];
  const of = (mode?: string) =>
    ({
      fieldConfig: { defaults: { thresholds: { steps }, custom: { thresholdsStyle: { mode } } } },
    }) as unknown as Panel;
  expect(limitsOf(of("line"))).toEqual([{ value: 30, color: "yellow" }]);
  expect(limitsOf(of())).toEqual([]);
});
