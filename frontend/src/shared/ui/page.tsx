import { useEffect, useLayoutEffect, useRef } from "react";
import { useTenant } from "@/shared/api/tenant";
import { cn } from "@/shared/lib/cn";

interface PageTitleProps {
  children: string;
  className?: string;
}

/** Set while a focused heading gives way to the next one, as a page's placeholder does to the page itself. */
let focusIsInherited = false;

function useInheritedFocus() {
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => {
    const element = heading.current;
    if (focusIsInherited) element?.focus({ preventScroll: true });
    focusIsInherited = false;
    return () => {
      focusIsInherited = element !== null && document.activeElement === element;
    };
  }, []);
  return heading;
}

/** The page's one <h1>, which also names the tab. It takes the focus when the page is opened from another. */
export function PageTitle({ children, className }: PageTitleProps) {
  const tenant = useTenant();
  const heading = useInheritedFocus();
  useEffect(() => {
    document.title = `${children} · ${tenant.display_name}`;
  }, [children, tenant.display_name]);
  return (
    <h1 ref={heading} tabIndex={-1} className={cn("font-semibold text-2xl", className)}>
      {children}
    </h1>
  );
}
