/** How hard a password is to guess, for a hint while typing. The app has the last word; its rules are length and guessability. */
export const PASSWORD_MIN = 12;
const TRIED_FIRST = /^(password|passw0rd|qwerty|1234567|letmein)/i;

export interface Strength {
  /** 0 not yet acceptable, 1 fair, 2 good, 3 strong. */
  level: 0 | 1 | 2 | 3;
  words: string;
}

const MIN_DISTINCT = 5;

const kindsOf = (password: string): number =>
  [/\p{Ll}/u, /\p{Lu}/u, /\p{N}/u, /[^\p{L}\p{N}]/u].filter((kind) => kind.test(password)).length;

export function strength(password: string, { email, name }: { email: string; name: string }): Strength {
  const length = [...password].length;
  if (length === 0) return { level: 0, words: `At least ${PASSWORD_MIN} characters; a few unrelated words work well.` };
  if (length < PASSWORD_MIN) {
    const missing = PASSWORD_MIN - length;
    return { level: 0, words: `${missing} more ${missing === 1 ? "character" : "characters"} needed.` };
  }
  const folded = password.toLowerCase();
  if (new Set(folded).size < MIN_DISTINCT) return { level: 0, words: "More different characters needed." };
  const own = [...email.toLowerCase().split(/[@.]/), ...name.toLowerCase().split(/\s+/)].filter(
    (word) => word.length >= 4,
  );
  if (TRIED_FIRST.test(password))
    return { level: 0, words: "This begins like one of the passwords that are tried first." };
  if (own.some((word) => folded.includes(word) && length - word.length < PASSWORD_MIN / 2))
    return { level: 0, words: "This is mostly your own name or email." };
  const score = kindsOf(password) + (length >= 16 ? 1 : 0) + (length >= 20 ? 1 : 0);
  if (score >= 4) return { level: 3, words: "Strong." };
  if (score >= 2) return { level: 2, words: "Good." };
  return { level: 1, words: "Fair. Longer or more varied is better." };
}
