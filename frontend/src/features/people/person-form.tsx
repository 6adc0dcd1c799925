import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { fieldErrors, isPlaced } from "@/shared/api/field-errors";
import { explain, isProblem } from "@/shared/api/problem";
import { sessionQuery, useSession } from "@/shared/api/session";
import type { User } from "@/shared/api/types";
import { changeUser, userQuery } from "@/shared/api/users";
import { useFormFocus } from "@/shared/lib/use-form-focus";
import { Alert } from "@/shared/ui/alert";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import { Conflict } from "./conflict";
import { type Edit, editOf, FIELDS } from "./edit";
import { MembershipFields } from "./membership-fields";
import { LAST_OWNER } from "./rights";

/**
 * Name, role, office and teams. Only what was touched is sent, on the version that is shown: when someone else was
 * quicker, their values come in, what was touched here stays, and saving again is a decision.
 */
export function PersonForm({ user }: { user: User }) {
  const client = useQueryClient();
  const { user: self } = useSession();
  const [edit, setEdit] = useState<Edit>({});
  const [overtaken, setOvertaken] = useState<User>();
  const changed = editOf(user, edit);
  const isDirty = Object.keys(changed).length > 0;
  const save = useMutation({
    mutationFn: () => changeUser(user, changed),
    onSuccess: async (saved) => {
      client.setQueryData(userQuery(user.id).queryKey, saved);
      setEdit({});
      setOvertaken(undefined);
      for (const queryKey of [["users", "list"], ["user-invitations"]]) void client.invalidateQueries({ queryKey });
      if (user.id === self.id) await client.invalidateQueries({ queryKey: sessionQuery.queryKey });
    },
    onError: async (error) => {
      if (!isProblem(error, "version-conflict")) return;
      await client.invalidateQueries({ queryKey: userQuery(user.id).queryKey });
      setOvertaken(user);
    },
  });
  const form = useFormFocus(save.error);
  const touch = (change: Edit) => {
    setEdit((now) => ({ ...now, ...change }));
    if (save.isSuccess) save.reset();
  };
  const errors = fieldErrors(save.error, FIELDS);
  const value = { ...user, ...edit };
  return (
    <section aria-labelledby="details" className="card px-5 py-5">
      <h2 id="details" className="mb-4 font-semibold text-lg">
        Details
      </h2>
      <form
        ref={form}
        className="grid gap-4.5"
        onSubmit={(event) => {
          event.preventDefault();
          if (isDirty && !save.isPending) save.mutate();
        }}
      >
        {overtaken && isDirty ? (
          <Conflict before={overtaken} now={user} mine={changed} />
        ) : (
          save.isError && (
            <Alert look="bad">{isPlaced(errors) ? "Please correct what is marked below." : reason(save.error)}</Alert>
          )
        )}
        <Field
          label="Name"
          name="name"
          autoComplete="off"
          required
          value={value.name}
          error={errors.name}
          onChange={(event) => touch({ name: event.target.value })}
        />
        <MembershipFields value={value} errors={errors} onChange={touch} />
        <div className="flex flex-wrap items-center gap-3">
          <Button type="submit" busy={save.isPending} aria-disabled={save.isPending || !isDirty || undefined}>
            {overtaken ? "Save my changes" : "Save"}
          </Button>
          {isDirty && (
            <Button
              look="quiet"
              onClick={() => {
                setEdit({});
                setOvertaken(undefined);
                save.reset();
              }}
            >
              Discard changes
            </Button>
          )}
          <p role="status" className="text-ink-soft text-sm">
            {save.isSuccess && !isDirty ? "Saved. A new role or office is in force with the next click." : ""}
          </p>
        </div>
      </form>
    </section>
  );
}

const reason = (error: Error): string => (isProblem(error, "last-owner") ? LAST_OWNER : explain(error).message);
