import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useParams } from "react-router";
import { api, body } from "@/shared/api/client";
import { explain, isStatus } from "@/shared/api/problem";
import { useTenant } from "@/shared/api/tenant";
import type { Invitation } from "@/shared/api/types";
import { browser } from "@/shared/lib/browser";
import { moment } from "@/shared/lib/format";
import { Alert } from "@/shared/ui/alert";
import { Button, buttonStyle } from "@/shared/ui/button";
import { Entrance } from "@/shared/ui/entrance";
import { Failure } from "@/shared/ui/failure";
import { Field } from "@/shared/ui/field";
import { PasswordField } from "@/shared/ui/password-field";
import { Skeleton } from "@/shared/ui/skeleton";
import { invitationQuery } from "./queries";
import { PASSWORD_MIN, strength } from "./strength";
import { StrengthHint } from "./strength-hint";

export function InvitationPage() {
  const { token = "" } = useParams();
  const tenant = useTenant();
  const query = useQuery(invitationQuery(token));
  if (query.isPending)
    return (
      <Entrance title={`Welcome to ${tenant.display_name}`}>
        <p role="status" className="sr-only">
          Checking your link
        </p>
        <Skeleton className="h-16" />
        <Skeleton className="h-16" />
        <Skeleton className="h-11" />
      </Entrance>
    );
  if (isStatus(query.error, 410)) return <SpentLink />;
  if (isStatus(query.error, 404)) return <UnknownLink />;
  if (query.isError)
    return (
      <Entrance title="Your invitation">
        <Failure title="Your link could not be checked" error={query.error} onRetry={() => query.refetch()} />
      </Entrance>
    );
  return <AcceptForm token={token} invitation={query.data} />;
}

const SpentLink = () => (
  <Entrance title="This link no longer works" lead="It was used already, its time is over, or it was withdrawn.">
    <p className="text-ink-soft">
      If you have set your password, sign in. Otherwise ask whoever invited you, or your platform's administrator, for a
      new link.
    </p>
    <a href="/auth/login?return_to=%2Flistings" className={buttonStyle({ size: "large" })}>
      Go to sign in
    </a>
  </Entrance>
);

const UnknownLink = () => (
  <Entrance title="This link is not known here" lead="The address may have been cut short when it was copied.">
    <p className="text-ink-soft">Open it once more from where you got it, or copy all of it.</p>
    <a href="/auth/login?return_to=%2Flistings" className={buttonStyle({ look: "secondary", size: "large" })}>
      Go to sign in
    </a>
  </Entrance>
);

const AS: Record<string, string> = {
  broker_owner: "an owner",
  office_manager: "an office manager",
  agent: "an agent",
  coordinator: "a coordinator",
  client: "a client",
};

const joining = (role: string): string => (AS[role] ? `You join as ${AS[role]}. ` : "");

function AcceptForm({ token, invitation }: { token: string; invitation: Invitation }) {
  const tenant = useTenant();
  const [name, setName] = useState(invitation.name ?? "");
  const [password, setPassword] = useState("");
  const accept = useMutation({
    mutationFn: (account: { name: string; password: string }) =>
      body(api.POST("/api/v1/invitations/{token}/acceptance", { params: { path: { token } }, body: account })),
    onSuccess: ({ redirect_to }) => browser.leave(redirect_to),
  });
  if (isStatus(accept.error, 404, 410)) return <SpentLink />;
  const refused = isStatus(accept.error, 422) ? accept.error : undefined;
  const errors = { name: refused?.fieldError("name"), password: refused?.fieldError("password") };
  const unplaced = accept.isError && !errors.name && !errors.password;
  return (
    <Entrance
      title={`Welcome to ${tenant.display_name}`}
      lead={`${joining(invitation.role)}Set your password to finish. This link works once, until ${moment(invitation.expires_at, tenant.time_zone)}.`}
    >
      {unplaced && <Alert look="bad">{explain(accept.error).message}</Alert>}
      {!unplaced && accept.isError && <Alert look="bad">Please correct what is marked below.</Alert>}
      <form
        className="grid gap-4.5"
        onSubmit={(event) => {
          event.preventDefault();
          accept.mutate({ name: name.trim(), password });
        }}
      >
        <Field
          label="Email"
          name="email"
          type="email"
          autoComplete="username"
          value={invitation.email}
          readOnly
          className="bg-sunken"
        />
        <Field
          label="Your name"
          name="name"
          autoComplete="name"
          required
          value={name}
          error={errors.name}
          onChange={(event) => setName(event.target.value)}
        />
        <PasswordField
          label="Password"
          name="password"
          autoComplete="new-password"
          required
          minLength={PASSWORD_MIN}
          value={password}
          error={errors.password}
          hint={<StrengthHint strength={strength(password, { email: invitation.email, name })} />}
          onChange={(event) => {
            setPassword(event.target.value);
            if (accept.isError) accept.reset();
          }}
        />
        <Button type="submit" size="large" busy={accept.isPending || accept.isSuccess}>
          Set password and continue
        </Button>
      </form>
    </Entrance>
  );
}
