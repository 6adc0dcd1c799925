import { type RefObject, useEffect, useRef } from "react";

/** When a form is refused, the focus moves to the first field that is marked; in a dialog it begins in the first field. */
export function useFormFocus(error: unknown, { inDialog = false } = {}): RefObject<HTMLFormElement | null> {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (inDialog) form.current?.querySelector<HTMLElement>("input, select")?.focus();
  }, [inDialog]);
  useEffect(() => {
    if (error) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [error]);
  return form;
}
