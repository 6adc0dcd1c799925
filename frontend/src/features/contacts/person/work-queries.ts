/** What is done for a contact: notes, tasks, activities, and the timeline that shows all of it. */
import { infiniteQueryOptions, keepPreviousData, type QueryClient, queryOptions } from "@tanstack/react-query";
import { api, body } from "@/shared/api/client";
import { everyPage } from "@/shared/api/pages";
import type { ActivityInput, Task, TaskChange, TaskInput } from "@/shared/api/types";
import { ifMatch } from "@/shared/api/users";
import { contactQuery, type Versioned } from "../queries";
import type { Kind } from "./kinds";

export const timelineQuery = (id: string, kinds: Kind[]) =>
  infiniteQueryOptions({
    queryKey: ["contacts", "timeline", id, kinds],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/api/v1/people/{person_id}/timeline", {
          params: {
            path: { person_id: id },
            query: {
              limit: 24,
              ...(kinds.length > 0 && { kind: kinds }),
              ...(pageParam ? { cursor: pageParam } : {}),
            },
          },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });

/** The tasks of one contact; few, so that they are read whole. */
const tasksOf = (id: string, state: "open" | "done", signal?: AbortSignal) =>
  everyPage((cursor) =>
    body(
      api.GET("/api/v1/tasks", {
        params: { query: { person_id: id, owner: "all", state, limit: 100, ...cursor } },
        ...(signal && { signal }),
      }),
    ),
  );

/** All that is to be done for one contact. */
export const openTasksQuery = (id: string) =>
  queryOptions({
    queryKey: ["tasks", "of", id],
    queryFn: ({ signal }) => tasksOf(id, "open", signal),
  });

/** A task as it is now, open or done; undefined when one may not see it any more. The API reads tasks by their contact. */
export async function newestOf({ id, person }: Task): Promise<Task | undefined> {
  const find = (tasks: Task[]) => tasks.find((each) => each.id === id);
  return find(await tasksOf(person.id, "open")) ?? find(await tasksOf(person.id, "done"));
}

export const tasksQuery = (owner: "mine" | "all", state: "open" | "done") =>
  infiniteQueryOptions({
    queryKey: ["tasks", "list", owner, state],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/api/v1/tasks", {
          params: { query: { owner, state, limit: 50, ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });

/** After something was done for a contact: their timeline, tasks, leads and last activity. */
export const refreshWork = (client: QueryClient, id: string): Promise<unknown> =>
  Promise.all(
    [
      ["contacts", "timeline", id],
      contactQuery(id).queryKey,
      ["contacts", "list"],
      ["contacts", "board"],
      ["tasks"],
      ["leads"],
    ].map((queryKey) => client.invalidateQueries({ queryKey })),
  );

/** The version of a note as it is now; undefined when it is gone. The API reads notes by their contact. */
export async function newestVersionOf(note: string, contact: string): Promise<number | undefined> {
  const notes = await everyPage((cursor) =>
    body(
      api.GET("/api/v1/people/{person_id}/timeline", {
        params: { path: { person_id: contact }, query: { kind: ["note"], limit: 100, ...cursor } },
      }),
    ),
  );
  return notes.find(({ id }) => id === note)?.version ?? undefined;
}

const of = (id: string) => ({ params: { path: { person_id: id } } });

export const addNote = (id: string, text: string) =>
  body(api.POST("/api/v1/people/{person_id}/notes", { ...of(id), body: { text } }));

export const addTask = (id: string, task: TaskInput) =>
  body(api.POST("/api/v1/people/{person_id}/tasks", { ...of(id), body: task }));

export const addActivity = (id: string, activity: ActivityInput) =>
  body(api.POST("/api/v1/people/{person_id}/activities", { ...of(id), body: activity }));

const ofNote = ({ id, version }: Versioned) => ({
  params: { path: { note_id: id }, header: ifMatch(version) },
});

export const changeNote = (note: Versioned, text: string) =>
  body(api.PATCH("/api/v1/notes/{note_id}", { ...ofNote(note), body: { text } }));

export const deleteNote = (note: Versioned) => api.DELETE("/api/v1/notes/{note_id}", ofNote(note));

export const changeTask = ({ id, version }: Versioned, change: TaskChange) =>
  body(
    api.PATCH("/api/v1/tasks/{task_id}", {
      params: { path: { task_id: id }, header: ifMatch(version) },
      body: change,
    }),
  );
