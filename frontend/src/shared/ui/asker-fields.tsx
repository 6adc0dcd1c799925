import type { ChangeEvent } from "react";
import { Field } from "./field";
import { TextAreaField } from "./text-area-field";

export interface Asker {
  name: string;
  email: string;
  phone: string;
  message: string;
}

export const NO_ASKER: Asker = { name: "", email: "", phone: "", message: "" };
export const ASKER_FIELDS = ["name", "email", "phone", "message"] as const;

interface AskerFieldsProps {
  value: Asker;
  errors: Partial<Record<keyof Asker, string | undefined>>;
  /** Whose name and address these are: one's own may be filled in by the browser. */
  isOwn: boolean;
  onChange: (change: Partial<Asker>) => void;
}

/** Who asks for something, how to reach them, and what they say. */
export function AskerFields({ value, errors, isOwn, onChange }: AskerFieldsProps) {
  const type = (field: keyof Asker, complete: string) => ({
    name: field,
    autoComplete: isOwn ? complete : "off",
    value: value[field],
    error: errors[field],
    onChange: ({ target }: ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) => onChange({ [field]: target.value }),
  });
  return (
    <>
      <Field label={isOwn ? "Your name" : "Name"} required maxLength={120} {...type("name", "name")} />
      <Field label="Email" type="email" maxLength={320} hint="Email or phone is needed." {...type("email", "email")} />
      <Field label="Phone" type="tel" maxLength={40} {...type("phone", "tel")} />
      <TextAreaField label="Message" maxLength={4000} hint="May stay empty." {...type("message", "off")} />
    </>
  );
}

/** As the API takes it: what is empty is null. */
export const askerBody = ({ name, email, phone, message }: Asker) => ({
  name: name.trim(),
  email: email.trim() || null,
  phone: phone.trim() || null,
  message: message.trim() || null,
});
