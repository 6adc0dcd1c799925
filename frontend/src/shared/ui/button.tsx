import { cva, type VariantProps } from "class-variance-authority";
import { LoaderCircle } from "lucide-react";
import type { ComponentProps } from "react";
import { cn } from "@/shared/lib/cn";

export const buttonStyle = cva(
  "inline-flex shrink-0 items-center justify-center gap-2 whitespace-nowrap rounded-lg font-medium transition-colors duration-150 disabled:opacity-60 aria-disabled:opacity-60 [&_svg]:size-4 [&_svg]:shrink-0",
  {
    variants: {
      look: {
        primary: "bg-brand text-on-brand shadow-card hover:bg-brand-strong",
        secondary: "border border-control bg-surface text-ink hover:bg-sunken",
        danger: "bg-bad text-surface shadow-card hover:bg-on-bad-soft",
        quiet: "text-ink-soft hover:bg-sunken hover:text-ink",
        link: "text-brand underline underline-offset-4 hover:text-brand-strong",
      },
      size: {
        small: "h-8 px-2.5 text-sm",
        medium: "h-10 px-4 text-base",
        large: "h-11 px-5 text-base",
        icon: "size-10",
        text: "min-h-6 text-sm",
      },
    },
    defaultVariants: { look: "primary", size: "medium" },
  },
);

type ButtonProps = ComponentProps<"button"> & VariantProps<typeof buttonStyle> & { busy?: boolean };

/** While `busy` it keeps the focus and its place, says so, and ignores presses. */
export function Button({
  look,
  size,
  busy = false,
  className,
  children,
  onClick,
  type = "button",
  ...rest
}: ButtonProps) {
  return (
    <button
      data-slot="button"
      type={type}
      className={cn(buttonStyle({ look, size }), className)}
      aria-disabled={busy || undefined}
      onClick={busy ? (event) => event.preventDefault() : onClick}
      {...rest}
    >
      {busy && <LoaderCircle className="animate-spin" aria-hidden />}
      {children}
    </button>
  );
}
