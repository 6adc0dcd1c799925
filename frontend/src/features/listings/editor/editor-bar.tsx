import { ExternalLink } from "lucide-react";
import { Link } from "react-router";
import { Badge } from "@/shared/ui/badge";
import { buttonStyle } from "@/shared/ui/button";
import { PageTitle } from "@/shared/ui/page";
import { addressLines } from "../listing-card";
import { statusTone, statusWords } from "../status";
import { SaveStatus } from "./save-state";
import { SectionMenu } from "./section-nav";
import { StatusMenu } from "./status-menu";
import { UndoButtons } from "./undo-buttons";
import { useDraftState } from "./use-draft";

/** Always in view: what is edited, whether it is safe, and what can be done with it. */
export function EditorBar() {
  const { base } = useDraftState();
  const title = addressLines(base).street || "New listing";
  return (
    <div
      data-chrome
      className="-mx-4 sm:-mx-6 sticky top-15 z-20 mb-6 border-line border-b bg-canvas px-4 py-2 sm:py-2.5 sm:px-6"
    >
      <div className="flex items-center gap-x-3">
        <PageTitle className="min-w-0 truncate text-lg sm:text-xl">{title}</PageTitle>
        <Badge tone={statusTone(base.standard_status)}>{statusWords(base.standard_status)}</Badge>
        <Link
          to={`/listings/${base.id}`}
          className={buttonStyle({ look: "quiet", size: "small", className: "ml-auto phone:hidden" })}
        >
          <ExternalLink aria-hidden />
          View listing
        </Link>
      </div>
      <div className="mt-1 flex flex-wrap items-center gap-x-2 gap-y-1.5">
        <SectionMenu />
        <UndoButtons />
        <SaveStatus />
        <div className="ml-auto flex flex-wrap gap-2 phone:order-2">
          <StatusMenu />
        </div>
      </div>
    </div>
  );
}
