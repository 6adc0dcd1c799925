import { Plus } from "lucide-react";
import { cn } from "@/shared/lib/cn";
import { TabLinks } from "@/shared/ui/tab-links";
import { NewListingButton } from "./new-listing-button";

const TABS = [
  { to: "/listings", name: "All listings" },
  { to: "/listings/mine", name: "My listings" },
];

/** Between what everyone finds and what is one's own, for those who have own listings. */
export const ListingsTabs = ({ className }: { className?: string }) => (
  <div className={cn("flex flex-wrap items-center gap-x-4 gap-y-2", className)}>
    <TabLinks label="Listings" tabs={TABS} />
    <NewListingButton className="ml-auto">
      <Plus aria-hidden />
      <span>
        New <span className="phone:sr-only">listing</span>
      </span>
    </NewListingButton>
  </div>
);
