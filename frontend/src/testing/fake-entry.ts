/** How somebody comes in: the sign-in's form and links of invitations. Mounted by the fake app. */
import { type Handler, json, refuse, refuseFields } from "./answers.ts";

export type Invitations = Map<string, { email: string; name: string; role: string; expires_at: string } | "spent">;

interface House {
  account: { email: string; password: string; name: string };
  invitations: Invitations;
}

export const entryRoutes = (house: House): [RegExp, Handler][] => [
  [/^POST \/oauth\/sign-in$/, (request) => signIn(house, request)],
  [/^GET \/api\/v1\/invitations\/([^/]+)$/, (_request, _url, [token = ""]) => invitation(house, token)],
  [
    /^POST \/api\/v1\/invitations\/([^/]+)\/acceptance$/,
    (request, _url, [token = ""]) => accept(house, request, token),
  ],
];

async function signIn({ account }: House, request: Request): Promise<Response> {
  const given = (await request.json()) as { request: string; email: string; password: string };
  if (given.request === "expired") return refuse(410, "gone", "The sign-in request has expired");
  if (given.email !== account.email || given.password !== account.password)
    return refuse(401, "invalid-credentials", "Invalid credentials");
  return json({ redirect_to: "/auth/callback?code=c&state=s" });
}

const spent = () => refuse(410, "gone", "The invitation was used or has expired");

function invitation({ invitations }: House, token: string): Response {
  const found = invitations.get(token);
  if (!found) return refuse(404, "not-found", "No such invitation");
  return found === "spent" ? spent() : json(found);
}

async function accept({ account, invitations }: House, request: Request, token: string): Promise<Response> {
  if (invitations.get(token) === "spent") return spent();
  const given = (await request.json()) as { name: string; password: string };
  if (given.password.startsWith("password"))
    return refuseFields([{ pointer: "/password", detail: "This is one of the passwords that are tried first." }]);
  invitations.set(token, "spent");
  Object.assign(account, given);
  return json({ redirect_to: "/auth/login?return_to=/listings" }, 201);
}
