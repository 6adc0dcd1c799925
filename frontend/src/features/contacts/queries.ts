/** Contacts, their stages and who looks after them. The API calls contacts people. */
import { infiniteQueryOptions, keepPreviousData, type QueryClient, queryOptions } from "@tanstack/react-query";
import { api, body } from "@/shared/api/client";
import type { Contact, ContactChange, ContactInput, Stage } from "@/shared/api/types";
import { ifMatch } from "@/shared/api/users";
import { type ContactFilters, toBoardQuery, toQuery } from "./filters";

const CARDS = 20;
const FRESH = 30_000;

/** Who has a version to be named when it is changed. */
export interface Versioned {
  id: string;
  version: number;
}

export const contactsQuery = (filters: ContactFilters) =>
  infiniteQueryOptions({
    queryKey: ["contacts", "list", filters],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/api/v1/people", {
          params: { query: { ...toQuery(filters), limit: 50, ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });

export const boardQuery = (filters: ContactFilters) =>
  queryOptions({
    queryKey: ["contacts", "board", toBoardQuery(filters)],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/people/board", { params: { query: { ...toBoardQuery(filters), limit: CARDS } }, signal })),
    placeholderData: keepPreviousData,
  });

export const contactQuery = (id: string) =>
  queryOptions({
    queryKey: ["contacts", "one", id],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/people/{person_id}", { params: { path: { person_id: id } }, signal })),
  });

export const stagesQuery = queryOptions({
  queryKey: ["stages"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/stages", { signal })),
  select: ({ items }): Stage[] => items,
  staleTime: FRESH,
});

/** After somebody was changed: what is shown of them anywhere is read anew. */
export function refreshContacts(client: QueryClient, saved?: Contact): Promise<unknown> {
  if (saved) client.setQueryData(contactQuery(saved.id).queryKey, saved);
  return Promise.all(
    [["contacts"], ["leads"]].map((queryKey) =>
      client.invalidateQueries({
        queryKey,
        predicate: ({ queryKey: [, kind, id] }) => !(saved && kind === "one" && id === saved.id),
      }),
    ),
  );
}

const path = (id: string) => ({ path: { person_id: id } });
const at = ({ id, version }: Versioned) => ({ ...path(id), header: ifMatch(version) });

export const createContact = (contact: ContactInput) => body(api.POST("/api/v1/people", { body: contact }));

export const changeContact = (contact: Versioned, change: ContactChange) =>
  body(api.PATCH("/api/v1/people/{person_id}", { params: at(contact), body: change }));

export const moveContact = (contact: Versioned, stage: string) =>
  body(api.POST("/api/v1/people/{person_id}/stage-changes", { params: at(contact), body: { stage_id: stage } }));

export const assignContact = (contact: Versioned, assignee: string | null, note: string | null) =>
  body(
    api.POST("/api/v1/people/{person_id}/assignments", {
      params: at(contact),
      body: { assigned_to: assignee, note },
    }),
  );

export const claimContact = (id: string) => body(api.POST("/api/v1/people/{person_id}/claim", { params: path(id) }));
