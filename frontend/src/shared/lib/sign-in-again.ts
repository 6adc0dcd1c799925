/** Where a page goes when the session is missing or has ended, and how the sign-in page learns why it was opened. */
import { browser } from "./browser";

const ENDED = "rooftree.session-ended";
let leaving = false;

/** Sends the browser through sign-in and back to `returnTo`. Several requests can fail at once; only the first acts. */
export function signInAgain(returnTo: string, { ended }: { ended: boolean }): void {
  if (leaving) return;
  leaving = true;
  if (ended) sessionStorage.setItem(ENDED, "1");
  browser.leave(`/auth/login?return_to=${encodeURIComponent(returnTo)}`);
}

export const sessionHasEnded = (): boolean => sessionStorage.getItem(ENDED) !== null;
export const forgetEndedSession = (): void => sessionStorage.removeItem(ENDED);

/** While somebody signs out a page that asks is refused, and that is no end of a session. */
export const holdSignInAgain = (): void => {
  leaving = true;
};

/** A page restored from the back-forward cache starts afresh. */
export const resetSignInAgain = (): void => {
  leaving = false;
};
