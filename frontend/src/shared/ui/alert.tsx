import { CircleAlert, Info } from "lucide-react";
import type { ReactNode } from "react";
import { cn } from "@/shared/lib/cn";

const LOOKS = {
  bad: { className: "bg-bad-soft text-on-bad-soft", Icon: CircleAlert },
  info: { className: "bg-info-soft text-on-info-soft", Icon: Info },
};

/** `bad` interrupts a screen reader; `info` waits its turn. */
export function Alert({ look, children }: { look: keyof typeof LOOKS; children: ReactNode }) {
  const { className, Icon } = LOOKS[look];
  return (
    <div
      role={look === "bad" ? "alert" : "status"}
      className={cn("flex gap-2.5 rounded-lg px-3.5 py-3 text-sm", className)}
    >
      <Icon className="mt-0.5 size-4 shrink-0" aria-hidden />
      <div className="min-w-0 break-words">{children}</div>
    </div>
  );
}
