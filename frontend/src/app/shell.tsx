import { Building2, ContactRound, House, type LucideIcon, Rss, UsersRound } from "lucide-react";
import { useState } from "react";
import { Link, Outlet, useLocation, useNavigation } from "react-router";
import { type Right, useSession } from "@/shared/api/session";
import { useTenant } from "@/shared/api/tenant";
import { cn } from "@/shared/lib/cn";
import { BrandMark } from "@/shared/ui/brand";
import { BottomBar, type OpenPage } from "./bottom-bar";
import { ShortcutsDialog } from "./shortcuts-dialog";
import { ThemeMenu } from "./theme-menu";
import { useShortcuts } from "./use-shortcuts";
import { UserMenu } from "./user-menu";

interface Page {
  to: string;
  name: string;
  Icon: LucideIcon;
  /** Left out: everyone who is signed in. */
  needs?: Right;
  /** Other addresses that belong to it. */
  also?: string[];
}

const PAGES: Page[] = [
  { to: "/listings", name: "Listings", Icon: House },
  {
    to: "/contacts",
    name: "Contacts",
    Icon: ContactRound,
    needs: "leads.work",
    also: ["/inbox", "/tasks", "/settings/stages"],
  },
  { to: "/feeds", name: "Feeds", Icon: Rss, needs: "feeds.manage" },
  { to: "/people", name: "People", Icon: UsersRound, needs: "users.manage" },
  { to: "/offices", name: "Offices", Icon: Building2, needs: "users.manage" },
];

/** The pages that the person's role opens, and which of them is open. */
function usePages(): OpenPage[] {
  const { can } = useSession();
  const { pathname } = useLocation();
  const isAt = (address: string) => pathname === address || pathname.startsWith(`${address}/`);
  return PAGES.filter(({ needs }) => needs === undefined || can.includes(needs)).map(({ also = [], ...page }) => ({
    ...page,
    current: [page.to, ...also].some(isAt) ? ("page" as const) : undefined,
  }));
}

/** The frame of every page for signed-in people: a bar on top, on phones a second one within reach of the thumb. */
export function Shell() {
  const [help, setHelp] = useState(false);
  const pages = usePages();
  useShortcuts(() => setHelp(true));
  return (
    <>
      {/* biome-ignore lint/a11y/useValidAnchor: a link to a part of the page; following it by hand keeps the history entry's state. */}
      <a
        href="#main"
        className="-translate-y-20 fixed top-3 left-3 z-50 rounded-lg bg-brand px-4 py-2 font-medium text-on-brand transition-transform focus:translate-y-0"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("main")?.focus();
        }}
      >
        Skip to content
      </a>
      <TopBar pages={pages} onHelp={() => setHelp(true)} />
      <main id="main" tabIndex={-1} className="page-width px-4 pt-6 pb-28 sm:px-6 sm:pb-16">
        <Outlet />
      </main>
      <BottomBar pages={pages} />
      <ShortcutsDialog open={help} onClose={() => setHelp(false)} />
    </>
  );
}

function TopBar({ pages, onHelp }: { pages: OpenPage[]; onHelp: () => void }) {
  const tenant = useTenant();
  const isLoading = useNavigation().state !== "idle";
  return (
    <header data-chrome className="sticky top-0 z-30 border-line border-b bg-surface">
      <div className="page-width flex h-15 items-center gap-3 px-4 sm:gap-6 sm:px-6">
        <Link to="/listings" className="flex min-w-0 items-center gap-2.5 rounded-md">
          <BrandMark className="size-8 shrink-0" />
          <span className="truncate font-semibold tracking-tight">{tenant.display_name}</span>
        </Link>
        <nav aria-label="Main" className="phone:hidden">
          <ul className="flex gap-1">
            {pages.map(({ to, name, current }) => (
              <li key={to}>
                <Link
                  to={to}
                  aria-current={current}
                  className="flex h-9 items-center rounded-lg px-3 text-ink-soft text-sm transition-colors hover:bg-sunken hover:text-ink aria-[current=page]:bg-sunken aria-[current=page]:font-medium aria-[current=page]:text-ink"
                >
                  {name}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
        <div className="ml-auto flex items-center gap-1">
          <ThemeMenu />
          <UserMenu onHelp={onHelp} />
        </div>
      </div>
      <div className={cn("h-0.5 overflow-hidden", isLoading ? "-mb-0.5 relative" : "hidden")} aria-hidden>
        <div className="h-full w-1/3 animate-[sweep_1.2s_ease-in-out_infinite] bg-brand" />
      </div>
    </header>
  );
}
