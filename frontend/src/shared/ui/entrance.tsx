import type { ReactNode } from "react";
import { useTenant } from "@/shared/api/tenant";
import { BrandMark } from "./brand";
import { PageTitle } from "./page";

/** The frame of the pages that come before signing in: whose house this is, one task, nothing else. */
export function Entrance({ title, lead, children }: { title: string; lead?: ReactNode; children: ReactNode }) {
  const tenant = useTenant();
  return (
    <main id="main" tabIndex={-1} className="relative grid min-h-dvh place-items-center overflow-hidden px-4 py-10">
      <Skyline />
      <div className="relative w-full max-w-sm">
        <div className="mb-6 flex items-center justify-center gap-3">
          <BrandMark className="size-9 shrink-0" />
          <p className="min-w-0 truncate font-semibold text-lg tracking-tight">{tenant.display_name}</p>
        </div>
        <div className="card p-6 shadow-lift sm:p-8">
          <PageTitle className="text-xl">{title}</PageTitle>
          {lead && <p className="mt-1 text-ink-soft">{lead}</p>}
          <div className="mt-6 grid gap-4.5">{children}</div>
        </div>
      </div>
    </main>
  );
}

/** A row of roofs along the horizon; decoration only. */
const Skyline = () => (
  <svg
    aria-hidden="true"
    className="pointer-events-none absolute inset-x-0 bottom-0 h-40 w-full text-brand opacity-15 sm:h-56"
    viewBox="0 0 1200 220"
    preserveAspectRatio="xMidYMax slice"
    fill="none"
    stroke="currentColor"
    strokeWidth="2"
    strokeLinejoin="round"
  >
    <path d="M0 220v-70l70-58 70 58v70M140 220v-96l52-40 52 40v96M244 220v-54l88-66 88 66v54M420 220v-110l46-44 46 44v110M512 220v-64l76-60 76 60v64M664 220v-92l60-50 60 50v92M784 220v-50l92-70 92 70v50M968 220v-104l50-46 50 46v104M1068 220v-66l66-54 66 54v66" />
    <path d="M40 220v-34h28v34M300 220v-36h30v36M560 220v-34h28v34M850 220v-36h30v36M1118 220v-34h28v34M178 150h28v24h-28zM452 142h28v24h-28zM710 158h28v24h-28zM1004 146h28v24h-28z" />
  </svg>
);
