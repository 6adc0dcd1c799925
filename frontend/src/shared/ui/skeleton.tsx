import { cn } from "@/shared/lib/cn";

export const Skeleton = ({ className }: { className?: string }) => (
  <div data-slot="skeleton" aria-hidden className={cn("animate-pulse rounded-md bg-sunken", className)} />
);
