import { cva, type VariantProps } from "class-variance-authority";
import type { ReactNode } from "react";

const badgeStyle = cva(
  "inline-flex items-center gap-1.5 whitespace-nowrap rounded-full px-2.5 py-0.5 font-medium text-xs",
  {
    variants: {
      tone: {
        good: "bg-good-soft text-on-good-soft",
        warn: "bg-warn-soft text-on-warn-soft",
        info: "bg-info-soft text-on-info-soft",
        bad: "bg-bad-soft text-on-bad-soft",
        plain: "bg-sunken text-ink-soft",
      },
    },
    defaultVariants: { tone: "plain" },
  },
);

export type Tone = NonNullable<VariantProps<typeof badgeStyle>["tone"]>;

export const Badge = ({ tone, children }: { tone: Tone; children: ReactNode }) => (
  <span data-slot="badge" className={badgeStyle({ tone })}>
    {children}
  </span>
);
