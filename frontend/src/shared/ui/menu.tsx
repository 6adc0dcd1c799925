/**
 * A drop-down menu over Radix. Never modal: its scroll lock would inject a style element, which the security policy refuses.
 * Never in a portal either: in its place in the page it belongs to a landmark.
 */
import { Check } from "lucide-react";
import { DropdownMenu as Radix } from "radix-ui";
import type { ComponentProps, ReactNode } from "react";
import { cn } from "@/shared/lib/cn";

const itemStyle =
  "flex min-h-9 select-none items-center gap-2.5 rounded-md px-2.5 text-sm outline-none data-highlighted:bg-sunken [&_svg]:size-4 [&_svg]:text-ink-soft";

interface MenuProps {
  trigger: ReactNode;
  align?: "start" | "end";
  children: ReactNode;
}

/** The button gets the focus back once the menu has faded out, unless an item has given it to something else by then. */
function keepMovedFocus(event: Event): void {
  const { activeElement, body } = document;
  const menu = event.currentTarget;
  if (activeElement !== body && !(menu instanceof Node && menu.contains(activeElement))) event.preventDefault();
}

export const Menu = ({ trigger, align = "end", children }: MenuProps) => (
  <Radix.Root modal={false}>
    <Radix.Trigger asChild>{trigger}</Radix.Trigger>
    <Radix.Content
      align={align}
      sideOffset={6}
      collisionPadding={8}
      onCloseAutoFocus={keepMovedFocus}
      className="popup z-40 min-w-56 rounded-xl border border-line bg-raised p-1.5 shadow-float"
    >
      {children}
    </Radix.Content>
  </Radix.Root>
);

/** What it opens finds the focus on the menu's button, and so gives it back there; the item itself is gone by then. */
export const MenuItem = ({ className, onSelect, ...props }: ComponentProps<typeof Radix.Item>) => (
  <Radix.Item
    className={cn(itemStyle, className)}
    onSelect={(event) => {
      const menu = event.currentTarget instanceof Element && event.currentTarget.closest("[role=menu]");
      if (menu) document.getElementById(menu.getAttribute("aria-labelledby") ?? "")?.focus();
      onSelect?.(event);
    }}
    {...props}
  />
);

export const MenuSeparator = () => <Radix.Separator className="-mx-1.5 my-1.5 h-px bg-line" />;

export const MenuRadioGroup = Radix.RadioGroup;

export const MenuRadioItem = ({ children, ...props }: ComponentProps<typeof Radix.RadioItem>) => (
  <Radix.RadioItem className={itemStyle} {...props}>
    {children}
    <Radix.ItemIndicator className="ml-auto">
      <Check aria-hidden />
    </Radix.ItemIndicator>
  </Radix.RadioItem>
);
