/**
 * Edits that the server has not confirmed, kept in this browser for the person who made them. With them stands what the
 * fields held before, so that a change by another is noticed after a reload as well.
 */
import type { Edits } from "./rebase";

export interface StoredEdits {
  version: number;
  edits: Edits;
  was: Edits;
}

const keyOf = (user: string, listing: string): string => `rooftree.edits.${user}.${listing}`;

export function storedEdits(user: string, listing: string) {
  const key = keyOf(user, listing);
  return {
    read(): StoredEdits | undefined {
      const text = localStorage.getItem(key);
      if (text === null) return undefined;
      try {
        return JSON.parse(text) as StoredEdits;
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        localStorage.removeItem(key);
        return undefined;
      }
    },
    /** Whether the browser has kept them: its room can be used up. */
    write(stored: StoredEdits | undefined): boolean {
      if (!stored) {
        localStorage.removeItem(key);
        return true;
      }
      try {
        localStorage.setItem(key, JSON.stringify(stored));
        return true;
      } catch (error) {
        if (error instanceof DOMException) return false;
        throw error;
      }
    },
  };
}

export type StoredEditsOf = ReturnType<typeof storedEdits>;
