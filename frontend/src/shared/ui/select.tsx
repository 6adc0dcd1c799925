import { ChevronDown } from "lucide-react";
import type { ComponentProps } from "react";
import { cn } from "@/shared/lib/cn";

/** The browser's own select with our frame: the best list on every phone and for every screen reader. */
export const Select = ({ className, ...props }: ComponentProps<"select">) => (
  <div className={cn("relative min-w-0", className)}>
    <select className="field appearance-none truncate pr-9" {...props} />
    <ChevronDown className="pointer-events-none absolute top-3 right-3 size-4 text-ink-soft" aria-hidden />
  </div>
);
