import { ListTree } from "lucide-react";
import { useEffect, useState } from "react";
import { Button } from "@/shared/ui/button";
import { Menu, MenuItem } from "@/shared/ui/menu";
import { SECTIONS } from "./fields";
import { useDraftState } from "./use-draft";

const PLACES = [
  ...SECTIONS.map(({ id, title }) => ({ id, title })),
  { id: "photos", title: "Photos" },
  { id: "history", title: "History" },
];

export const headingId = (section: string): string => `section-${section}`;

function goTo(section: string): void {
  const heading = document.getElementById(headingId(section));
  heading?.scrollIntoView({ block: "start" });
  heading?.focus({ preventScroll: true });
}

/** How many fields of a section wait for a correction or a decision. */
function useOpenQuestions(): Map<string, number> {
  const { problems, conflicts } = useDraftState();
  const open = new Set([...Object.keys(problems), ...Object.keys(conflicts)]);
  return new Map(SECTIONS.map(({ id, fields }) => [id, fields.filter(({ name }) => open.has(name)).length]));
}

/** The section that is being read. */
function useCurrent(): string {
  const [current, setCurrent] = useState(PLACES[0]?.id ?? "");
  useEffect(() => {
    if (typeof IntersectionObserver === "undefined") return;
    const seen = new Set<string>();
    const observer = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) {
          const id = target.getAttribute("aria-labelledby")?.replace("section-", "") ?? "";
          if (isIntersecting) seen.add(id);
          else seen.delete(id);
        }
        const first = PLACES.find(({ id }) => seen.has(id));
        const top = window.scrollY < 100 ? PLACES[0] : undefined;
        setCurrent((now) => (top ?? first)?.id ?? now);
      },
      { rootMargin: "-25% 0px -65% 0px" },
    );
    for (const { id } of PLACES) {
      const section = document.getElementById(headingId(id))?.parentElement;
      if (section) observer.observe(section);
    }
    return () => observer.disconnect();
  }, []);
  return current;
}

const Questions = ({ count }: { count: number }) =>
  count > 0 && (
    <span className="ml-auto grid size-5 place-items-center rounded-full bg-bad-soft font-medium text-on-bad-soft text-xs">
      {count}
      <span className="sr-only"> to look at</span>
    </span>
  );

export function SectionNav() {
  const questions = useOpenQuestions();
  const current = useCurrent();
  return (
    <nav aria-label="Sections" className="sticky top-42 hidden self-start lg:block">
      <ul className="grid gap-0.5">
        {PLACES.map(({ id, title }) => (
          <li key={id}>
            <a
              href={`#${headingId(id)}`}
              aria-current={current === id ? "true" : undefined}
              className="flex min-h-9 items-center gap-2 rounded-lg px-3 text-ink-soft text-sm hover:bg-sunken hover:text-ink aria-[current]:bg-sunken aria-[current]:font-medium aria-[current]:text-ink"
              onClick={(event) => {
                event.preventDefault();
                goTo(id);
              }}
            >
              {title}
              <Questions count={questions.get(id) ?? 0} />
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** The same on narrow windows. */
export function SectionMenu() {
  const questions = useOpenQuestions();
  return (
    <div className="lg:hidden">
      <Menu
        align="start"
        trigger={
          <Button look="secondary" size="small">
            <ListTree aria-hidden />
            <span className="phone:sr-only">Sections</span>
          </Button>
        }
      >
        {PLACES.map(({ id, title }) => (
          // The menu gives the focus back to its button as it closes; the section takes it after that.
          <MenuItem key={id} onSelect={() => setTimeout(() => goTo(id))}>
            {title}
            <Questions count={questions.get(id) ?? 0} />
          </MenuItem>
        ))}
      </Menu>
    </div>
  );
}
