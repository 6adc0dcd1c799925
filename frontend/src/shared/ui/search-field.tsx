import { Search } from "lucide-react";
import { cn } from "@/shared/lib/cn";
import { useTyped } from "@/shared/lib/use-typed";

const asTyped = (text: string) => text;
const trimmed = (text: string) => text.trim();

interface SearchFieldProps {
  label: string;
  placeholder: string;
  value: string;
  /** Called once the typing pauses, at Enter and when the field is left. */
  onChange: (text: string, how: { replace?: boolean }) => void;
  className?: string | undefined;
}

/** Words to look for in a list. */
export function SearchField({ label, placeholder, value, onChange, className }: SearchFieldProps) {
  const box = useTyped({ value, show: asTyped, read: trimmed, delay: 300, onChange });
  return (
    <div className={cn("relative", className)}>
      <Search className="pointer-events-none absolute top-3 left-3 size-4 text-ink-soft" aria-hidden />
      <input
        type="search"
        className="field pl-9.5"
        aria-label={label}
        placeholder={placeholder}
        autoComplete="off"
        maxLength={200}
        value={box.text}
        onBlur={box.leave}
        onChange={(event) => box.type(event.target.value)}
        onKeyDown={(event) => event.key === "Enter" && box.flush()}
      />
    </div>
  );
}
