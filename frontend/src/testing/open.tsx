/** Opens the whole app at an address, against the fake app, the way a browser would. */
import { QueryClientProvider } from "@tanstack/react-query";
import { render, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { createMemoryRouter, RouterProvider } from "react-router";
import { vi } from "vitest";
import { createQueryClient } from "@/app/query-client";
import { addressOf, routes } from "@/app/router";
import { browser } from "@/shared/lib/browser";
import { FakeApp } from "./fake-app";
import { server } from "./setup";

export function open(address: string, app: FakeApp = new FakeApp({ signedIn: true })) {
  server.use(
    http.all("*", async ({ request }) => {
      if (app.isOffline) return HttpResponse.error();
      const answer = await app.handle(request);
      if (answer.type === "error") return HttpResponse.error();
      return new HttpResponse(answer.status === 204 ? null : await answer.arrayBuffer(), {
        status: answer.status,
        headers: answer.headers,
      });
    }),
  );
  const left = vi.spyOn(browser, "leave").mockImplementation(() => {});
  const client = createQueryClient(() => addressOf(router));
  client.setDefaultOptions({ queries: { ...client.getDefaultOptions().queries, retryDelay: 0 } });
  const router = createMemoryRouter(routes(client), { initialEntries: [address] });
  render(
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  );
  return {
    app,
    router,
    user: userEvent.setup(),
    address: () => router.state.location.pathname + router.state.location.search,
    /** The address that the browser was sent to, out of the single page. */
    async leftFor(): Promise<string> {
      await waitFor(() => {
        if (left.mock.calls.length === 0) throw new Error("The page has not been left.");
      });
      return String(left.mock.calls.at(-1)?.[0]);
    },
    timesLeft: () => left.mock.calls.length,
  };
}
