import { TriangleAlert } from "lucide-react";
import { Link } from "react-router";
import type { BulkImport } from "@/shared/api/types";
import { useSubject } from "./subject";
import { isHalfUndone, missed } from "./words";

/** Why a step ended before its end, and what becomes of the rest. A check that did has failed, which is said elsewhere. */
export function BrokenOff({ found }: { found: BulkImport }) {
  const { state, error } = found;
  const rest = state === "applied" && missed(found) > 0;
  if (state !== "checked" && !rest && !isHalfUndone(found)) return null;
  if (state === "checked" && !error) return null;
  return (
    <div role="note" className="flex gap-2.5 rounded-lg bg-warn-soft px-3.5 py-3 text-on-warn-soft text-sm">
      <TriangleAlert className="mt-0.5 size-4 shrink-0" aria-hidden />
      <p className="min-w-0 break-words">
        {error && `${error.detail ?? "Something went wrong on the server."} `}
        {state === "checked" && "Nothing was imported: you can try again."}
        {isHalfUndone(found) && "Undo the import again to do the rest."}
        {rest && !isHalfUndone(found) && <Rest />}
      </p>
    </div>
  );
}

function Rest() {
  const { home, again } = useSubject();
  return (
    <>
      What was done until then stays done.{" "}
      <Link to={`${home}/import`} className="underline underline-offset-4">
        Importing the file again
      </Link>{" "}
      does the rest; {again}
    </>
  );
}
