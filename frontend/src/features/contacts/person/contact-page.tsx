import { useQuery } from "@tanstack/react-query";
import { ArrowLeft, UserX } from "lucide-react";
import { Link, useLocation, useParams } from "react-router";
import { isStatus } from "@/shared/api/problem";
import { useCan } from "@/shared/api/session";
import type { Contact } from "@/shared/api/types";
import { followed } from "@/shared/lib/use-live";
import { buttonStyle } from "@/shared/ui/button";
import { EmptyState } from "@/shared/ui/empty-state";
import { Failure } from "@/shared/ui/failure";
import { NotAllowed } from "@/shared/ui/not-allowed";
import { PageTitle } from "@/shared/ui/page";
import { Skeleton } from "@/shared/ui/skeleton";
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
        <ContactSkeleton />
      ) : query.data && !isStatus(query.error, 404) ? (
        <ShownContact contact={query.data} />
      ) : (
        <Refusal error={query.error} onRetry={() => query.refetch()} retrying={query.isRefetching} />
      )}
    </div>
  );
}

const ContactSkeleton = () => (
  <>
    <PageTitle className="sr-only">Contact</PageTitle>
    <p role="status" className="sr-only">
      Loading the contact
    </p>
    <Skeleton className="mb-6 h-14 w-72" />
    <Skeleton className="h-96 rounded-xl" />
  </>
);

function Refusal({ error, onRetry, retrying }: { error: unknown; onRetry: () => void; retrying: boolean }) {
  // 422: the address holds something that cannot be a contact's id.
  if (!isStatus(error, 403, 404, 422))
    return (
      <>
        <PageTitle className="sr-only">Contact</PageTitle>
        <Failure title="This contact could not be loaded" error={error} onRetry={onRetry} retrying={retrying} />
      </>
    );
  return (
    <>
      <PageTitle className="sr-only">Contact not found</PageTitle>
      <EmptyState
        Icon={UserX}
        title="This contact is not here"
        action={
          <Link to="/contacts" className={buttonStyle()}>
            See your contacts
          </Link>
        }
      >
        The address may have a typing error, or a colleague looks after this contact.
      </EmptyState>
    </>
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
