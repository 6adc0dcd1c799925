import { Plus } from "lucide-react";
import { NavLink } from "react-router";
import { cn } from "@/shared/lib/cn";
import { NewListingButton } from "./new-listing-button";

const TABS = [
  { to: "/listings", name: "All listings" },
  { to: "/listings/mine", name: "My listings" },
];

/** Between what everyone finds and what is one's own, for those who have own listings. */
export const ListingsTabs = ({ className }: { className?: string }) => (
  <div className={cn("flex flex-wrap items-center gap-x-4 gap-y-2", className)}>
    <nav aria-label="Listings">
      <ul className="flex gap-1 rounded-lg bg-sunken p-1">
        {TABS.map(({ to, name }) => (
          <li key={to}>
            <NavLink
              to={to}
              end
              className="flex h-8 items-center rounded-md px-3 text-ink-soft text-sm hover:text-ink aria-[current=page]:bg-surface aria-[current=page]:font-medium aria-[current=page]:text-ink aria-[current=page]:shadow-card"
            >
              {name}
            </NavLink>
          </li>
        ))}
      </ul>
    </nav>
    <NewListingButton className="ml-auto">
      <Plus aria-hidden />
      <span>
        New <span className="phone:sr-only">listing</span>
      </span>
    </NewListingButton>
  </div>
);
