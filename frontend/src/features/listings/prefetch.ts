/** A page's first request, started while the page's own code is still on the way; in a chunk that both share. */
import type { QueryClient } from "@tanstack/react-query";
import { parseFilters } from "./filters";
import { listingQuery, listingsQuery } from "./queries";

export const prefetchListings = (client: QueryClient, search: URLSearchParams): Promise<void> =>
  client.prefetchInfiniteQuery(listingsQuery(parseFilters(search)));

export const prefetchListing = (client: QueryClient, id: string): Promise<void> =>
  client.prefetchQuery(listingQuery(id));
