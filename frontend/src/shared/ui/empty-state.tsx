import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

interface EmptyStateProps {
  Icon: LucideIcon;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}

export const EmptyState = ({ Icon, title, children, action }: EmptyStateProps) => (
  <div className="grid justify-items-center gap-2 px-6 py-16 text-center">
    <div className="mb-2 grid size-12 place-items-center rounded-2xl bg-brand-soft text-on-brand-soft">
      <Icon className="size-5.5" aria-hidden />
    </div>
    <h2 className="font-semibold text-lg">{title}</h2>
    {children && <div className="max-w-prose text-ink-soft">{children}</div>}
    {action && <div className="mt-3">{action}</div>}
  </div>
);
