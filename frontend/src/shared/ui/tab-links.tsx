import { NavLink } from "react-router";

interface TabLinksProps {
  /** Names the group of links. */
  label: string;
  tabs: { to: string; name: string }[];
}

/** Between pages that belong together. */
export const TabLinks = ({ label, tabs }: TabLinksProps) => (
  <nav aria-label={label}>
    <ul className="flex gap-1 rounded-lg bg-sunken p-1">
      {tabs.map(({ to, name }) => (
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
);
