import { Ellipsis, type LucideIcon } from "lucide-react";
import { Link, useNavigate } from "react-router";
import { Menu, MenuItem } from "@/shared/ui/menu";

export interface OpenPage {
  to: string;
  name: string;
  Icon: LucideIcon;
  /** Of the page that is shown. */
  current: "page" | undefined;
}

const ROOM = 5;
const PLACE =
  "-outline-offset-2 flex h-15 w-full flex-col items-center justify-center gap-0.5 text-ink-soft text-xs aria-[current=page]:font-medium aria-[current=page]:text-brand";

/** Within reach of the thumb, on phones. It has room for five pages; of more it shows four and a menu of the others. */
export function BottomBar({ pages }: { pages: OpenPage[] }) {
  const shown = pages.length > ROOM ? pages.slice(0, ROOM - 1) : pages;
  const more = pages.slice(shown.length);
  return (
    <nav
      aria-label="Main"
      data-chrome
      className="fixed inset-x-0 bottom-0 z-30 border-line border-t bg-surface pb-[env(safe-area-inset-bottom)] sm:hidden"
    >
      <ul className="grid auto-cols-fr grid-flow-col">
        {shown.map(({ to, name, Icon, current }) => (
          <li key={to}>
            <Link to={to} aria-current={current} className={PLACE}>
              <Icon className="size-5" aria-hidden />
              {name}
            </Link>
          </li>
        ))}
        {more.length > 0 && (
          <li>
            <MorePages pages={more} />
          </li>
        )}
      </ul>
    </nav>
  );
}

function MorePages({ pages }: { pages: OpenPage[] }) {
  const navigate = useNavigate();
  return (
    <Menu
      trigger={
        <button type="button" aria-current={pages.find(({ current }) => current)?.current} className={PLACE}>
          <Ellipsis className="size-5" aria-hidden />
          More
        </button>
      }
    >
      {pages.map(({ to, name, Icon, current }) => (
        <MenuItem key={to} aria-current={current} onSelect={() => navigate(to)}>
          <Icon aria-hidden />
          {name}
        </MenuItem>
      ))}
    </Menu>
  );
}
