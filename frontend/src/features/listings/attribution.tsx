import { useTenant } from "@/shared/api/tenant";
import type { PropertyDetail } from "@/shared/api/types";
import { moment } from "@/shared/lib/format";

/** MLS display rules: the listing firm, the source and when it was last read, in the brokerage's own time. */
export function Attribution({ home }: { home: PropertyDetail }) {
  const { time_zone: zone } = useTenant();
  const { source } = home;
  if (home.origin === "own") return <OwnAttribution home={home} />;
  return (
    <footer className="border-line border-t pt-4 text-ink-soft text-sm">
      <p>
        {home.list_office_name && `Listing courtesy of ${home.list_office_name}. `}
        Source: {source.originating_system_name ?? source.feed}, feed “{source.feed}”, refreshed{" "}
        <time dateTime={source.refreshed_at}>{moment(source.refreshed_at, zone)}</time>.
      </p>
      <p className="mt-1">
        Last changed at the source {moment(home.modification_timestamp, zone)}. Information is deemed reliable but not
        guaranteed.
      </p>
    </footer>
  );
}

/** A listing of the brokerage itself has no source but the brokerage. */
function OwnAttribution({ home }: { home: PropertyDetail }) {
  const { display_name: brokerage, time_zone: zone } = useTenant();
  return (
    <footer className="border-line border-t pt-4 text-ink-soft text-sm">
      <p>
        A listing of {home.list_office_name ?? brokerage}, last changed{" "}
        <time dateTime={home.updated_at}>{moment(home.updated_at, zone)}</time>. Information is deemed reliable but not
        guaranteed.
      </p>
    </footer>
  );
}
