import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useSearchParams } from "react-router";
import { api, body } from "@/shared/api/client";
import { explain, isStatus } from "@/shared/api/problem";
import { browser } from "@/shared/lib/browser";
import { plural } from "@/shared/lib/format";
import { forgetEndedSession, sessionHasEnded } from "@/shared/lib/sign-in-again";
import { Alert } from "@/shared/ui/alert";
import { Button } from "@/shared/ui/button";
import { Entrance } from "@/shared/ui/entrance";
import { Field } from "@/shared/ui/field";
import { PasswordField } from "@/shared/ui/password-field";

const START_AGAIN = "/auth/login?return_to=%2Flistings";

/** Opened by the sign-in flow with `?request=`; anyone who comes without one is sent to the flow's start. */
export function SignInPage() {
  const [search] = useSearchParams();
  const request = search.get("request");
  useEffect(() => {
    if (!request) browser.leave(START_AGAIN);
  }, [request]);
  if (!request)
    return (
      <Entrance title="Sign in">
        <p role="status" className="text-ink-soft">
          One moment…
        </p>
      </Entrance>
    );
  return <SignInForm request={request} />;
}

function describe(error: unknown): string {
  if (isStatus(error, 401)) return "The email and password do not match. Check both and try again.";
  if (isStatus(error, 429)) {
    const wait = error.retryAfter ? `in ${plural(error.retryAfter, "second", "seconds")}` : "in a moment";
    return `Too many tries. Try again ${wait}.`;
  }
  return explain(error).message;
}

function SignInForm({ request }: { request: string }) {
  const [ended] = useState(sessionHasEnded);
  useEffect(forgetEndedSession, []);
  const password = useRef<HTMLInputElement>(null);
  const signIn = useMutation({
    mutationFn: (credentials: { email: string; password: string }) =>
      body(api.POST("/oauth/sign-in", { body: { request, ...credentials } })),
    onSuccess: ({ redirect_to }) => browser.leave(redirect_to),
    onError: () => {
      password.current?.focus();
      password.current?.select();
    },
  });
  const expired = isStatus(signIn.error, 410);
  return (
    <Entrance title="Sign in" lead="Welcome back.">
      {ended && !signIn.isError && <Alert look="info">Your session has ended. Sign in to go on where you were.</Alert>}
      {signIn.isError && !expired && <Alert look="bad">{describe(signIn.error)}</Alert>}
      {expired && (
        <Alert look="bad">
          This page was open for too long.{" "}
          <a href={START_AGAIN} className="font-medium underline underline-offset-4">
            Start again
          </a>
        </Alert>
      )}
      <form
        className="grid gap-4.5"
        onSubmit={(event) => {
          event.preventDefault();
          const form = new FormData(event.currentTarget);
          signIn.mutate({ email: String(form.get("email")).trim(), password: String(form.get("password")) });
        }}
      >
        <Field
          label="Email"
          name="email"
          type="email"
          autoComplete="username"
          required
          autoCapitalize="none"
          spellCheck={false}
        />
        <PasswordField ref={password} label="Password" name="password" autoComplete="current-password" required />
        <Button type="submit" size="large" busy={signIn.isPending || signIn.isSuccess}>
          Sign in
        </Button>
      </form>
    </Entrance>
  );
}
