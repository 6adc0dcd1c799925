import { Dialog } from "@/shared/ui/dialog";
import { setShortcuts, useOwnShortcuts, useShortcutsOn } from "./use-shortcuts";

export function ShortcutsDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const on = useShortcutsOn();
  const shortcuts = useOwnShortcuts();
  return (
    <Dialog open={open} onClose={onClose} title="Keyboard shortcuts" shape="popup">
      <dl className="grid gap-1">
        {shortcuts.map(({ keys, words }) => (
          <div key={words} className="flex min-h-9 items-center justify-between gap-4">
            <dt>{words}</dt>
            <dd className="flex gap-1.5">
              {keys.map((key) => (
                <kbd
                  key={key}
                  className="grid h-7 min-w-7 place-items-center rounded-md border border-line bg-sunken px-1.5 font-mono text-sm"
                >
                  {key}
                </kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <label className="mt-4 flex min-h-9 items-center gap-2.5 border-line border-t pt-4 text-sm">
        <input
          type="checkbox"
          className="size-4.5 accent-brand"
          checked={on}
          onChange={(event) => setShortcuts(event.target.checked)}
        />
        Use single-key shortcuts on this device
      </label>
    </Dialog>
  );
}
