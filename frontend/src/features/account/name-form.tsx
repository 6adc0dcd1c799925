import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { fieldErrors } from "@/shared/api/field-errors";
import { explain, isProblem } from "@/shared/api/problem";
import { sessionQuery, useSession } from "@/shared/api/session";
import { changeUser, userQuery } from "@/shared/api/users";
import { useFormFocus } from "@/shared/lib/use-form-focus";
import { Alert } from "@/shared/ui/alert";
import { Button } from "@/shared/ui/button";
import { Failure } from "@/shared/ui/failure";
import { Field } from "@/shared/ui/field";
import { Skeleton } from "@/shared/ui/skeleton";

const describe = (error: Error): string =>
  isProblem(error, "version-conflict")
    ? "Someone else changed your account meanwhile. What you typed is still here; save again to keep it."
    : explain(error).message;

export function NameForm() {
  const { user } = useSession();
  const client = useQueryClient();
  const query = useQuery(userQuery(user.id));
  const [typed, setTyped] = useState<string>();
  const save = useMutation({
    mutationFn: (name: string) => changeUser({ id: user.id, version: query.data?.version ?? 0 }, { name }),
    onSuccess: async (saved) => {
      client.setQueryData(userQuery(user.id).queryKey, saved);
      await client.invalidateQueries({ queryKey: sessionQuery.queryKey });
      setTyped(undefined);
    },
    onError: (error) =>
      isProblem(error, "version-conflict") && client.invalidateQueries({ queryKey: userQuery(user.id).queryKey }),
  });
  const form = useFormFocus(save.error);
  if (query.isPending) return <Skeleton className="h-16" />;
  if (!query.data)
    return <Failure title="Your account could not be loaded" error={query.error} onRetry={() => query.refetch()} />;
  const name = typed ?? query.data.name;
  const fieldError = fieldErrors(save.error, ["name"]).name;
  const isDirty = name.trim() !== query.data.name;
  return (
    <form
      ref={form}
      className="grid gap-4.5"
      onSubmit={(event) => {
        event.preventDefault();
        if (isDirty && !save.isPending) save.mutate(name.trim());
      }}
    >
      {save.isError && !fieldError && <Alert look="bad">{describe(save.error)}</Alert>}
      <Field
        label="Name"
        name="name"
        autoComplete="name"
        required
        value={name}
        error={fieldError}
        onChange={(event) => {
          setTyped(event.target.value);
          if (save.isSuccess) save.reset();
        }}
      />
      <div className="flex flex-wrap items-center gap-3">
        <Button type="submit" busy={save.isPending} aria-disabled={save.isPending || !isDirty || undefined}>
          Save
        </Button>
        <p role="status" className="text-ink-soft text-sm">
          {save.isSuccess && !isDirty && "Saved."}
        </p>
      </div>
    </form>
  );
}
