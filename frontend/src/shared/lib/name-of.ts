interface Named {
  id: string;
  name: string | null;
}

/** Somebody's name, or what to say when it is not known any more. */
export const nameOf = (colleague: Named | null | undefined): string =>
  colleague ? (colleague.name ?? "Somebody who has left") : "Nobody";
