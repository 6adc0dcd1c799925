import { useQueryClient } from "@tanstack/react-query";
import { createContext, useContext, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { useLocation } from "react-router";
import { useSession } from "@/shared/api/session";
import type { PropertyDetail } from "@/shared/api/types";
import { signInAgain } from "@/shared/lib/sign-in-again";
import { listingQuery } from "../queries";
import { Draft } from "./draft";
import { type DraftState, missingHalf } from "./draft-state";
import type { EditName } from "./fields";
import { loadListing, sendEdits } from "./requests";
import { storedEdits } from "./stored";
import type { Value } from "./values";

/** Opens a listing for editing; what is read of it later is taken in without touching what is being typed. */
export function useNewDraft(listing: PropertyDetail): { draft: Draft; isLeaving: () => boolean } {
  const client = useQueryClient();
  const { user } = useSession();
  const { pathname } = useLocation();
  const leaving = useRef(false);
  const address = useRef(pathname);
  const [draft] = useState(
    () =>
      new Draft(listing, {
        load: () => loadListing(listing.id),
        send: sendEdits,
        stored: storedEdits(user.id, listing.id),
        onSaved: (saved) => {
          client.setQueryData(listingQuery(listing.id).queryKey, saved);
          for (const key of ["listings", "map", "my-listings"])
            void client.invalidateQueries({ queryKey: [key], refetchType: "none" });
          void client.invalidateQueries({ queryKey: ["history", listing.id] });
        },
        onSessionEnded: () => {
          leaving.current = true;
          signInAgain(address.current, { ended: true });
        },
      }),
  );
  useEffect(() => draft.start(), [draft]);
  useEffect(() => draft.refresh(listing), [draft, listing]);
  return useMemo(() => ({ draft, isLeaving: () => leaving.current }), [draft]);
}

export const DraftContext = createContext<Draft | undefined>(undefined);

export function useDraft(): Draft {
  const draft = useContext(DraftContext);
  if (!draft) throw new Error("There is no listing being edited here.");
  return draft;
}

export function useDraftState(): DraftState {
  const draft = useDraft();
  return useSyncExternalStore(draft.subscribe, draft.snapshot);
}

export function useField(name: EditName) {
  const draft = useDraft();
  const state = useDraftState();
  const half = missingHalf(state) === name && ("latitude" in state.edits || "longitude" in state.edits);
  return {
    value: draft.value(name),
    problem: state.problems[name] ?? (half ? "Latitude and longitude go together." : undefined),
    isInConflict: name in state.conflicts,
    change: (value: Value) => draft.change(name, value),
    leave: () => draft.leave(),
  };
}

export const inputId = (name: EditName): string => `field-${name.replace(":", "-")}`;

/** Brings a field into view and gives it the focus. */
export function goToField(name: EditName): void {
  const input = document.getElementById(inputId(name));
  input?.scrollIntoView({ block: "center" });
  input?.focus({ preventScroll: true });
}
