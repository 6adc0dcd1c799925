// Signs in at a running app with openid-client, a strict OAuth client, as the tests of the app tell it to; what came
// of it is one line of JSON.
import * as client from "openid-client";

const { issuer, email, password, algorithm } = JSON.parse(process.argv[2]);
const callback = `${issuer}/auth/callback`;

/** What a person does: opens the link and fills in the page. Where their browser then goes. */
async function signIn(link) {
  const asked = await fetch(link, { redirect: "manual" });
  const request = new URL(asked.headers.get("location"), issuer).searchParams.get("request");
  const answer = await fetch(`${issuer}/oauth/sign-in`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ request, email, password }),
  });
  if (!answer.ok) throw new Error(`the sign-in page answered ${answer.status}: ${await answer.text()}`);
  return new URL((await answer.json()).redirect_to);
}

async function start(config) {
  const checks = {
    pkceCodeVerifier: client.randomPKCECodeVerifier(),
    expectedState: client.randomState(),
    expectedNonce: client.randomNonce(),
    idTokenExpected: true,
  };
  const link = client.buildAuthorizationUrl(config, {
    redirect_uri: callback,
    scope: "openid profile email",
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: "S256",
  });
  return { back: await signIn(link), checks };
}

/** Whether the client takes an answer that was changed on its way. */
async function tampered(config, name, value) {
  const { back, checks } = await start(config);
  back.searchParams.set(name, value);
  return client.authorizationCodeGrant(config, back, checks).then(
    () => "accepted",
    () => "refused",
  );
}

async function ask(token) {
  const answer = await fetch(`${issuer}/api/v1/properties`, { headers: { Authorization: `Bearer ${token}` } });
  return answer.status;
}

const config = await client.discovery(new URL(issuer), "web", undefined, client.None(), { algorithm });
const { back, checks } = await start(config);
const tokens = await client.authorizationCodeGrant(config, back, checks);
const before = await ask(tokens.access_token);
const renewed = await client.refreshTokenGrant(config, tokens.refresh_token);
await client.tokenRevocation(config, renewed.refresh_token);
console.log(
  JSON.stringify({
    name: tokens.claims().name,
    before,
    renewed: renewed.refresh_token !== tokens.refresh_token,
    after: await ask(renewed.access_token),
    mixedUp: await tampered(config, "iss", "https://birch.rooftree.localhost:8443"),
    foreignState: await tampered(config, "state", "another"),
  }),
);
