/** The offices of the brokerage and their teams: few, so that they are read whole. */
import { queryOptions } from "@tanstack/react-query";
import { api, body } from "./client";
import { everyPage } from "./pages";

const FRESH = 30_000;
const MOST = 100;

export const officesQuery = queryOptions({
  queryKey: ["offices"],
  queryFn: ({ signal }) =>
    everyPage((cursor) => body(api.GET("/api/v1/offices", { params: { query: { limit: MOST, ...cursor } }, signal }))),
  staleTime: FRESH,
});

export const teamsQuery = queryOptions({
  queryKey: ["teams"],
  queryFn: ({ signal }) =>
    everyPage((cursor) => body(api.GET("/api/v1/teams", { params: { query: { limit: MOST, ...cursor } }, signal }))),
  staleTime: FRESH,
});
