import { type RefObject, useEffect, useRef } from "react";

/** When a form is refused, the focus moves to the first field that is marked; one that was just opened begins in its first field. */
export function useFormFocus(error: unknown, { opened = false } = {}): RefObject<HTMLFormElement | null> {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (opened) form.current?.querySelector<HTMLElement>("input, select, textarea")?.focus();
  }, [opened]);
  useEffect(() => {
    if (error) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [error]);
  return form;
}
