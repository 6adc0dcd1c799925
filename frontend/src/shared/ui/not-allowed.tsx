import { Lock } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { buttonStyle } from "./button";
import { EmptyState } from "./empty-state";
import { PageTitle } from "./page";

/** In the place of a page that the person's role does not open: why, and where to go instead. */
export const NotAllowed = ({ title, children }: { title: string; children: ReactNode }) => (
  <>
    <PageTitle className="sr-only">{title}</PageTitle>
    <EmptyState
      Icon={Lock}
      title="Your role does not open this page"
      action={
        <Link to="/listings" className={buttonStyle()}>
          Go to listings
        </Link>
      }
    >
      {children}
    </EmptyState>
  </>
);
