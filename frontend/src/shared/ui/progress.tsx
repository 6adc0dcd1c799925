import { cn } from "@/shared/lib/cn";
import { count } from "@/shared/lib/format";

interface ProgressProps {
  label: string;
  done: number;
  /** Unknown: the bar shows that work goes on, the words how far it is. */
  total: number | null | undefined;
  /** What is counted. */
  unit: string;
}

export function Progress({ label, done, total, unit }: ProgressProps) {
  const words = total == null ? `${count(done)} ${unit} so far` : `${count(done)} of ${count(total)} ${unit}`;
  const known =
    total == null ? {} : { "aria-valuemin": 0, "aria-valuemax": total, "aria-valuenow": Math.min(done, total) };
  return (
    <div>
      <div
        role="progressbar"
        aria-label={label}
        aria-valuetext={words}
        {...known}
        className="h-1.5 overflow-hidden rounded-full bg-sunken"
      >
        <div
          className={cn(
            "h-full rounded-full bg-brand",
            total == null ? "w-1/3 animate-[sweep_1.6s_ease-in-out_infinite]" : "transition-[width] duration-500",
          )}
          style={total == null ? {} : { width: `${total === 0 ? 100 : Math.min(100, (done / total) * 100)}%` }}
        />
      </div>
      <p className="mt-2 text-ink-soft text-sm tabular-nums">{words}</p>
    </div>
  );
}
