import { cn } from "@/shared/lib/cn";

const initials = (name: string): string => {
  const parts = name.split(/\s+/).filter(Boolean);
  return [parts[0], parts.length > 1 ? parts.at(-1) : undefined]
    .map((part) => [...(part ?? "")][0] ?? "")
    .join("")
    .toUpperCase();
};

/** A person's initials; decoration beside the name. */
export const Avatar = ({ name, className }: { name: string; className?: string }) => (
  <span
    aria-hidden
    className={cn(
      "grid size-8 shrink-0 place-items-center rounded-full bg-brand-soft font-medium text-on-brand-soft text-xs",
      className,
    )}
  >
    {initials(name)}
  </span>
);
