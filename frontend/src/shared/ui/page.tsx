import { useEffect } from "react";
import { useTenant } from "@/shared/api/tenant";
import { cn } from "@/shared/lib/cn";

interface PageTitleProps {
  children: string;
  className?: string;
}

/** The page's one <h1>, which also names the tab. It takes the focus when the page is opened from another. */
export function PageTitle({ children, className }: PageTitleProps) {
  const tenant = useTenant();
  useEffect(() => {
    document.title = `${children} · ${tenant.display_name}`;
  }, [children, tenant.display_name]);
  return (
    <h1 tabIndex={-1} className={cn("font-semibold text-2xl", className)}>
      {children}
    </h1>
  );
}
