import { useQuery } from "@tanstack/react-query";
import { ArrowLeft } from "lucide-react";
import { Link, useLocation, useParams } from "react-router";
import { isStatus } from "@/shared/api/problem";
import { useCan } from "@/shared/api/session";
import type { Contact } from "@/shared/api/types";
import { followed } from "@/shared/lib/use-live";
import { buttonStyle } from "@/shared/ui/button";
import { NotAllowed } from "@/shared/ui/not-allowed";
import { RecordRefusal, RecordSkeleton } from "@/shared/ui/record-refusal";
import { NOT_FOR_YOU } from "../contacts-tabs";
import { contactQuery } from "../queries";
import { ContactHeader } from "./contact-header";
import { DetailsSection } from "./details-section";
import { TaskSection } from "./task-section";
import { Timeline } from "./timeline";

interface Origin {
  to: string;
  words: string;
}

/** Where the page was opened from: a search, the board, the inbox; the list for a link from elsewhere. */
function useOrigin(): Origin {
  const state: unknown = useLocation().state;
  if (typeof state !== "object" || state === null) return { to: "/contacts", words: "Back to contacts" };
  if ("board" in state) return { to: `/contacts/board?${state.board}`.replace(/\?$/, ""), words: "Back to the board" };
  if ("inbox" in state) return { to: `/inbox?${state.inbox}`.replace(/\?$/, ""), words: "Back to the inbox" };
  const search = "contacts" in state ? String(state.contacts) : "";
  return { to: search ? `/contacts?${search}` : "/contacts", words: "Back to contacts" };
}

export function ContactPage() {
  const { id = "" } = useParams();
  if (!useCan("leads.work")) return <NotAllowed title="Contact">{NOT_FOR_YOU}</NotAllowed>;
  return <LoadedContact key={id} id={id} />;
}

function LoadedContact({ id }: { id: string }) {
  const query = useQuery({ ...contactQuery(id), ...followed });
  const origin = useOrigin();
  return (
    <div className="mx-auto max-w-6xl">
      <Link
        to={origin.to}
        data-chrome
        className={buttonStyle({ look: "quiet", size: "small", className: "-ml-2.5 mb-3" })}
      >
        <ArrowLeft aria-hidden />
        {origin.words}
      </Link>
      {query.isPending ? (
        <RecordSkeleton what="contact" />
      ) : query.data && !isStatus(query.error, 404) ? (
        <ShownContact contact={query.data} />
      ) : (
        <RecordRefusal
          what="contact"
          error={query.error}
          onRetry={() => query.refetch()}
          retrying={query.isRefetching}
          list={{ to: "/contacts", words: "See your contacts" }}
        >
          The address may have a typing error, or a colleague looks after this contact.
        </RecordRefusal>
      )}
    </div>
  );
}

const ShownContact = ({ contact }: { contact: Contact }) => (
  <>
    <ContactHeader contact={contact} />
    <div className="grid items-start gap-6 lg:grid-cols-[minmax(0,1fr)_minmax(0,1.6fr)]">
      <div className="grid min-w-0 gap-6">
        <TaskSection contact={contact} />
        <DetailsSection contact={contact} />
      </div>
      <Timeline contact={contact} />
    </div>
  </>
);
