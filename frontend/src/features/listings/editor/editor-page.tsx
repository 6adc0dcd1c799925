import { useQuery } from "@tanstack/react-query";
import { ArrowLeft, Lock, SearchX } from "lucide-react";
import { Link, useParams } from "react-router";
import { isStatus } from "@/shared/api/problem";
import type { PropertyDetail } from "@/shared/api/types";
import { buttonStyle } from "@/shared/ui/button";
import { EmptyState } from "@/shared/ui/empty-state";
import { Failure } from "@/shared/ui/failure";
import { PageTitle } from "@/shared/ui/page";
import { Skeleton } from "@/shared/ui/skeleton";
import { History } from "../history/history";
import { PhotoSection } from "../photos/photo-section";
import { useUploads } from "../photos/use-uploads";
import { listingQuery } from "../queries";
import { ConflictNotice } from "./conflict-notice";
import { EditorBar } from "./editor-bar";
import { FieldControl } from "./field-control";
import { type FieldSpec, SECTIONS } from "./fields";
import { LeaveGuard } from "./leave-guard";
import { OldPrice } from "./old-price";
import { headingId, SectionNav } from "./section-nav";
import { DraftContext, useNewDraft } from "./use-draft";

const WATCH_PROCESSING_MS = 1_500;
const WATCH_OTHERS_MS = 15_000;

const isProcessing = (home: PropertyDetail | undefined): boolean =>
  home?.photos.some(({ state }) => state === "processing") ?? false;

export function EditorPage() {
  const { id = "" } = useParams();
  const query = useQuery({
    ...listingQuery(id),
    staleTime: 0,
    refetchOnWindowFocus: "always",
    refetchInterval: ({ state }) => (isProcessing(state.data) ? WATCH_PROCESSING_MS : WATCH_OTHERS_MS),
  });
  if (query.data?.can_edit) return <Editor key={id} home={query.data} />;
  if (query.data) return <NotYours id={id} />;
  if (query.isPending) return <EditorSkeleton />;
  if (isStatus(query.error, 404, 422)) return <NotThere />;
  return (
    <>
      <PageTitle className="sr-only">Edit listing</PageTitle>
      <Failure title="This listing could not be loaded" error={query.error} onRetry={() => query.refetch()} />
    </>
  );
}

function Editor({ home }: { home: PropertyDetail }) {
  const { draft, isLeaving } = useNewDraft(home);
  const uploads = useUploads(home.id);
  return (
    <DraftContext value={draft}>
      <Link
        to="/listings/mine"
        data-chrome
        className={buttonStyle({ look: "quiet", size: "small", className: "-ml-2.5 mb-2" })}
      >
        <ArrowLeft aria-hidden />
        My listings
      </Link>
      <EditorBar />
      <div className="grid gap-8 lg:grid-cols-[12rem_minmax(0,1fr)]">
        <SectionNav />
        <div className="grid min-w-0 max-w-3xl gap-6">
          <ConflictNotice />
          {SECTIONS.map(({ id, title, lead, fields }) => (
            <Panel key={id} id={id} title={title} lead={lead}>
              <div className="grid gap-x-5 gap-y-4.5 sm:grid-cols-2">
                {fields.map((spec) => (
                  <FieldControl key={spec.name} spec={spec} note={noteOf(spec)} />
                ))}
              </div>
            </Panel>
          ))}
          <Panel id="photos" title="Photos" lead="The first one is the cover. JPEG, PNG or WebP, up to 20 MB each.">
            <PhotoSection uploads={uploads} />
          </Panel>
          <Panel id="history" title="History">
            <History id={home.id} />
          </Panel>
        </div>
      </div>
      <LeaveGuard uploads={uploads} isLeaving={isLeaving} />
    </DraftContext>
  );
}

const noteOf = ({ name }: FieldSpec) => name === "list_price" && <OldPrice />;

interface PanelProps {
  id: string;
  title: string;
  lead?: string | undefined;
  children: React.ReactNode;
}

const Panel = ({ id, title, lead, children }: PanelProps) => (
  <section aria-labelledby={headingId(id)} className="card p-4 sm:p-6">
    <h2
      id={headingId(id)}
      tabIndex={-1}
      className="scroll-mt-40 rounded font-semibold text-lg focus-visible:outline-none"
    >
      {title}
    </h2>
    {lead && <p className="text-ink-soft text-sm">{lead}</p>}
    <div className="mt-4">{children}</div>
  </section>
);

const EditorSkeleton = () => (
  <>
    <PageTitle className="sr-only">Edit listing</PageTitle>
    <p role="status" className="sr-only">
      Loading the listing
    </p>
    <div className="grid max-w-3xl gap-4">
      <Skeleton className="h-10" />
      <Skeleton className="h-72" />
      <Skeleton className="h-48" />
    </div>
  </>
);

const NotThere = () => (
  <>
    <PageTitle className="sr-only">Listing not found</PageTitle>
    <EmptyState
      Icon={SearchX}
      title="This listing is not here"
      action={
        <Link to="/listings/mine" className={buttonStyle()}>
          My listings
        </Link>
      }
    >
      It may be another office’s draft, or the address has a typing error.
    </EmptyState>
  </>
);

const NotYours = ({ id }: { id: string }) => (
  <>
    <PageTitle className="sr-only">Edit listing</PageTitle>
    <EmptyState
      Icon={Lock}
      title="You cannot edit this listing"
      action={
        <Link to={`/listings/${id}`} className={buttonStyle()}>
          View the listing
        </Link>
      }
    >
      Its own agent, the manager of its office and the broker who owns the brokerage can. Listings from a feed change at
      their source.
    </EmptyState>
  </>
);
