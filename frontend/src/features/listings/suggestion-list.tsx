import { Building2, Hash, House, type LucideIcon, Mailbox, Trees } from "lucide-react";
import type { Suggestion } from "@/shared/api/types";
import { plural } from "@/shared/lib/format";
import type { Offered, SuggestionGroup } from "./use-suggestions";

const ICONS: Record<Suggestion["kind"], LucideIcon> = {
  city: Building2,
  subdivision: Trees,
  postal_code: Mailbox,
  address: House,
  listing: Hash,
};

interface SuggestionListProps {
  id: string;
  groups: SuggestionGroup[];
  active: Offered | undefined;
  optionId: (index: number) => string;
  onPick: (suggestion: Suggestion) => void;
}

/** The list of a combobox: the focus stays in the box, `active` is what its arrow keys have reached. */
export const SuggestionList = ({ id, groups, active, optionId, onPick }: SuggestionListProps) => (
  <div
    id={id}
    role="listbox"
    aria-label="Suggestions"
    className="popup absolute inset-x-0 top-full z-20 mt-1.5 max-h-[min(26rem,60dvh)] overflow-y-auto rounded-xl border border-line bg-raised p-1.5 shadow-float"
  >
    {groups.map(({ title, items }) => (
      // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot stand in a list box.
      <div key={title} role="group" aria-label={title}>
        <p className="px-2.5 pt-2 pb-1 text-ink-soft text-xs" aria-hidden>
          {title}
        </p>
        {items.map((item) => (
          <Option
            key={item.index}
            id={optionId(item.index)}
            item={item}
            isActive={item.index === active?.index}
            onPick={onPick}
          />
        ))}
      </div>
    ))}
  </div>
);

interface OptionProps {
  id: string;
  item: Offered;
  isActive: boolean;
  onPick: (suggestion: Suggestion) => void;
}

function Option({ id, item, isActive, onPick }: OptionProps) {
  const Icon = ICONS[item.kind];
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keys belong to the box, which keeps the focus.
    // biome-ignore lint/a11y/useFocusableInteractive: as above, by aria-activedescendant.
    <div
      id={id}
      role="option"
      aria-selected={isActive}
      ref={(element) => (isActive ? element?.scrollIntoView({ block: "nearest" }) : undefined)}
      // Pressing must not take the focus from the box.
      onMouseDown={(event) => event.preventDefault()}
      onClick={() => onPick(item)}
      className="flex min-h-10 cursor-pointer items-center gap-2.5 rounded-md px-2.5 text-sm hover:bg-sunken aria-selected:bg-brand-soft aria-selected:text-on-brand-soft"
    >
      <Icon className="size-4 shrink-0 opacity-70" aria-hidden />
      <span className="min-w-0 truncate">{item.text}</span>
      {item.count != null && (
        <span className="ml-auto shrink-0 text-xs tabular-nums opacity-80">
          {plural(item.count, "listing", "listings")}
        </span>
      )}
    </div>
  );
}
