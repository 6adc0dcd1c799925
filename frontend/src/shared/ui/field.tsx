import { type ComponentProps, type ReactNode, useId } from "react";
import { cn } from "@/shared/lib/cn";

interface FieldProps extends ComponentProps<"input"> {
  label: ReactNode;
  hint?: ReactNode;
  error?: string | undefined;
  /** A control that sits inside the box, at its end. */
  trailing?: ReactNode;
}

/** A labelled text input whose hint and error are read with it. */
export function Field({ label, hint, error, trailing, className, id, ...input }: FieldProps) {
  const made = useId();
  const inputId = id ?? made;
  const described = [hint && `${inputId}-hint`, error && `${inputId}-error`].filter(Boolean).join(" ");
  return (
    <div className="grid gap-1.5">
      <label htmlFor={inputId} className="font-medium text-sm">
        {label}
      </label>
      <div className="relative">
        <input
          id={inputId}
          className={cn("field", trailing && "pr-12", className)}
          aria-invalid={error ? true : undefined}
          aria-describedby={described || undefined}
          {...input}
        />
        {trailing && <div className="absolute inset-y-0 right-1 flex items-center">{trailing}</div>}
      </div>
      {hint && (
        <div id={`${inputId}-hint`} className="text-ink-soft text-sm">
          {hint}
        </div>
      )}
      {error && (
        <p id={`${inputId}-error`} className="text-bad text-sm">
          {error}
        </p>
      )}
    </div>
  );
}
