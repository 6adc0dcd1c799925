import { ApiProblem } from "./problem";

type FieldErrors<Field extends string> = Partial<Record<Field, string | undefined>>;

/**
 * What a refusal says of each field of a form. `codes` names the field that a refusal without pointers is about, by the
 * last part of its problem type.
 */
export function fieldErrors<Field extends string>(
  error: unknown,
  fields: readonly Field[],
  codes: Record<string, Field> = {},
): FieldErrors<Field> {
  if (!(error instanceof ApiProblem)) return {};
  const { type, title, detail } = error.body;
  const whole = codes[type?.split("/").at(-1) ?? ""];
  if (whole) return { [whole]: detail ? `${title}. ${detail}` : `${title}.` } as FieldErrors<Field>;
  return Object.fromEntries(fields.map((field) => [field, error.fieldError(field)])) as FieldErrors<Field>;
}

export const isPlaced = (errors: Record<string, string | undefined>): boolean =>
  Object.values(errors).some((message) => message !== undefined);
