import { useEffect, useState } from "react";
import { useBlocker } from "react-router";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import type { Uploads } from "../photos/uploads";
import { useDraft } from "./use-draft";

const PATIENCE_MS = 1_000;

interface LeaveGuardProps {
  uploads: Uploads;
  /** The browser is being sent to sign-in: nothing to ask. */
  isLeaving: () => boolean;
}

/** Leaving sends what waits; it asks only when something could not be sent. */
export function LeaveGuard({ uploads, isLeaving }: LeaveGuardProps) {
  const draft = useDraft();
  const [asks, setAsks] = useState(false);
  const blocker = useBlocker(
    ({ currentLocation, nextLocation }) =>
      currentLocation.pathname !== nextLocation.pathname && (draft.isUnsent || uploads.isBusy),
  );
  useEffect(() => {
    if (blocker.state !== "blocked") return setAsks(false);
    const patience = window.setTimeout(() => setAsks(true), PATIENCE_MS);
    draft.leave();
    void draft.flush().then(() => {
      if (draft.isUnsent || uploads.isBusy) setAsks(true);
      else blocker.proceed();
    });
    return () => window.clearTimeout(patience);
  }, [blocker, draft, uploads]);
  useEffect(() => {
    const onUnload = (event: BeforeUnloadEvent) => {
      if (!isLeaving() && (draft.isUnsent || uploads.isBusy)) event.preventDefault();
    };
    const onHide = () => document.visibilityState === "hidden" && draft.leave();
    window.addEventListener("beforeunload", onUnload);
    document.addEventListener("visibilitychange", onHide);
    return () => {
      window.removeEventListener("beforeunload", onUnload);
      document.removeEventListener("visibilitychange", onHide);
    };
  }, [draft, uploads, isLeaving]);
  return (
    <Dialog
      open={asks && blocker.state === "blocked"}
      onClose={() => blocker.reset?.()}
      title="Leave with unsaved changes?"
      shape="popup"
      footer={
        <>
          <Button className="flex-1" onClick={() => blocker.reset?.()}>
            Stay
          </Button>
          <Button look="secondary" onClick={() => blocker.proceed?.()}>
            Leave
          </Button>
        </>
      }
    >
      <p>
        {draft.isUnsent
          ? "Some changes have not reached the server. They stay in this browser and are sent when you open the listing again."
          : "Photos are still being sent. Leaving stops them."}
      </p>
    </Dialog>
  );
}
