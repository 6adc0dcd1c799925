/** The map of the app. Loaders start a page's first request while its code is still on the way. */
import type { QueryClient } from "@tanstack/react-query";
import type { ComponentType } from "react";
import type { DataRouter, LoaderFunctionArgs, RouteObject } from "react-router";
import { isStatus } from "@/shared/api/problem";
import { sessionQuery } from "@/shared/api/session";
import { tenantQuery } from "@/shared/api/tenant";
import { signInAgain } from "@/shared/lib/sign-in-again";
import { RootLayout } from "./root-layout";
import { RouteFailure } from "./route-failure";
import { Starting } from "./starting";

/** Lets only signed-in people in; anyone else goes through sign-in and comes back to the same address. */
const requireSession =
  (client: QueryClient) =>
  async ({ request }: LoaderFunctionArgs): Promise<null> => {
    try {
      await client.ensureQueryData(sessionQuery);
      return null;
    } catch (error) {
      if (!isStatus(error, 401)) throw error;
      const { pathname, search } = new URL(request.url);
      signInAgain(pathname + search, { ended: false });
      return new Promise(() => {}); // The browser is leaving; the page must not flash in the meantime.
    }
  };

/** Starts a request and lets the page show its outcome, good or bad. */
const begin = (load: (args: LoaderFunctionArgs) => Promise<void>) => (args: LoaderFunctionArgs) => {
  void load(args);
  return null;
};

/** The address that is shown, or that is being opened. */
export function addressOf({ state }: DataRouter): string {
  const { pathname, search } = state.navigation.location ?? state.location;
  return pathname + search;
}

const prefetching = () => import("@/features/listings/prefetch");

/** A page whose code is fetched when it is first opened. */
const page =
  <Name extends string>(load: () => Promise<Record<Name, ComponentType>>, name: Name) =>
  async () => ({ Component: (await load())[name] });

/** One of the pages of contacts, whose code is fetched together. */
const contacts = (name: keyof typeof import("@/features/contacts/pages").pages) => async () => ({
  Component: (await import("@/features/contacts/pages")).pages[name],
});

const listingImports = page(() => import("@/features/listings/bulk/import-page"), "ImportListingsPage");
const contactImports = page(() => import("@/features/contacts/bulk/import-page"), "ImportContactsPage");

export const routes = (client: QueryClient): RouteObject[] => [
  {
    id: "root",
    Component: RootLayout,
    HydrateFallback: Starting,
    ErrorBoundary: RouteFailure,
    loader: async () => {
      await client.ensureQueryData(tenantQuery);
      return null;
    },
    shouldRevalidate: () => false,
    children: [
      {
        path: "sign-in",
        lazy: page(() => import("@/features/sign-in/sign-in-page"), "SignInPage"),
      },
      {
        path: "invite/:token",
        lazy: page(() => import("@/features/invitation/invitation-page"), "InvitationPage"),
      },
      {
        path: "inquire/:listingId?",
        lazy: page(() => import("@/features/inquiry/inquiry-page"), "InquiryPage"),
      },
      {
        id: "signed-in",
        loader: requireSession(client),
        shouldRevalidate: () => false,
        lazy: page(() => import("./shell"), "Shell"),
        children: signedInRoutes(client),
      },
      { path: "*", lazy: page(() => import("./not-found"), "NotFound") },
    ],
  },
];

const signedInRoutes = (client: QueryClient): RouteObject[] => [
  { index: true, lazy: page(() => import("./home"), "Home") },
  {
    path: "listings",
    loader: begin(async ({ request }) =>
      (await prefetching()).prefetchListings(client, new URL(request.url).searchParams),
    ),
    lazy: page(() => import("@/features/listings/listings-page"), "ListingsPage"),
  },
  { path: "listings/mine", lazy: page(() => import("@/features/listings/mine-page"), "MinePage") },
  { path: "listings/import", lazy: listingImports },
  { path: "listings/imports/:id", lazy: listingImports },
  {
    path: "listings/:id/edit",
    loader: begin(async ({ params }) => (await prefetching()).prefetchListing(client, params.id ?? "")),
    lazy: page(() => import("@/features/listings/editor/editor-page"), "EditorPage"),
  },
  {
    path: "listings/:id",
    loader: begin(async ({ params }) => (await prefetching()).prefetchListing(client, params.id ?? "")),
    lazy: page(() => import("@/features/listings/listing-page"), "ListingPage"),
  },
  {
    path: "feeds",
    lazy: page(() => import("@/features/feeds/feeds-page"), "FeedsPage"),
  },
  { path: "contacts", lazy: contacts("ContactsPage") },
  { path: "contacts/board", lazy: contacts("BoardPage") },
  { path: "contacts/:id", lazy: contacts("ContactPage") },
  { path: "contacts/import", lazy: contactImports },
  { path: "contacts/imports/:id", lazy: contactImports },
  { path: "inbox", lazy: contacts("InboxPage") },
  { path: "tasks", lazy: contacts("TasksPage") },
  { path: "settings/stages", lazy: contacts("StagesPage") },
  { path: "people", lazy: page(() => import("@/features/people/people-page"), "PeoplePage") },
  { path: "people/:id", lazy: page(() => import("@/features/people/person-page"), "PersonPage") },
  { path: "offices", lazy: page(() => import("@/features/offices/offices-page"), "OfficesPage") },
  { path: "account", lazy: page(() => import("@/features/account/account-page"), "AccountPage") },
];
