"""The forms of POST /oauth/token (RFC 6749) and /oauth/revoke (RFC 7009): read strictly, with OAuth's own errors."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from fastapi import Request, Response

from rooftree.contracts.identity.api import GrantRefused
from rooftree.kernel.clock import Clock
from rooftree.modules.identity.grants import Granted, Grants, ScopeRefused
from rooftree.modules.identity.requests import Clients
from rooftree.modules.identity.schemas import TokenErrorOutput, TokenOutput

_MAX_FORM = 8192
_MAX_FIELDS = 20
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_SCHEME = {"WWW-Authenticate": 'Basic realm="oauth"'}


class TokenRequestRefused(Exception):
    """`code` is one of RFC 6749, section 5.2."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.description = description
        self.status = status


class TokenEndpoint:
    def __init__(self, grants: Grants, clients: Clients, clock: Clock) -> None:
        self._grants = grants
        self._clients = clients
        self._clock = clock

    async def answer(self, request: Request) -> Response:
        try:
            granted = await self._grant(await _form(request))
        except (TokenRequestRefused, GrantRefused) as refused:
            return _refusal(refused)
        tokens = granted.tokens
        output = TokenOutput(
            access_token=tokens.access_token,
            expires_in=int((tokens.access_expires_at - self._clock.now()).total_seconds()),
            refresh_token=tokens.refresh_token,
            scope=granted.scope,
            id_token=granted.id_token,
        )
        return _json(output.model_dump_json(exclude_none=True), 200)

    async def revoke(self, request: Request) -> Response:
        """An empty answer, whether the token was known or not."""
        try:
            form = await _form(request)
            await self._grants.revoke(_required(form, "token"), client_id=self._client(form))
        except (TokenRequestRefused, GrantRefused) as refused:
            return _refusal(refused)
        return Response(status_code=200, headers=_NO_STORE)

    def _client(self, form: Mapping[str, str]) -> str:
        client_id = form.get("client_id", "")
        if not self._clients.knows(client_id):
            raise TokenRequestRefused("invalid_client", "The client is not known.", status=401)
        return client_id

    async def _grant(self, form: Mapping[str, str]) -> Granted:
        client_id = self._client(form)
        match form.get("grant_type"):
            case "authorization_code":
                return await self._grants.exchange_code(
                    code=_required(form, "code"),
                    verifier=_required(form, "code_verifier"),
                    redirect_uri=_required(form, "redirect_uri"),
                    client_id=client_id,
                )
            case "refresh_token":
                return await self._grants.refresh(
                    refresh_token=_required(form, "refresh_token"), client_id=client_id, scope=form.get("scope") or None
                )
            case _:
                raise TokenRequestRefused("unsupported_grant_type", "Use authorization_code or refresh_token.")


async def _form(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise TokenRequestRefused("invalid_request", "Send application/x-www-form-urlencoded.")
    if request.url.query:
        raise TokenRequestRefused("invalid_request", "Parameters belong into the body.")
    if "authorization" in request.headers:
        raise TokenRequestRefused("invalid_client", "Clients here are public and have no secret.", status=401)
    body = await request.body()
    if len(body) > _MAX_FORM:
        raise TokenRequestRefused("invalid_request", "The form is too long.")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise TokenRequestRefused("invalid_request", "The form cannot be read.") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise TokenRequestRefused("invalid_request", "A parameter is given twice.")
    return form


def _required(form: Mapping[str, str], name: str) -> str:
    if not (value := form.get(name)):
        raise TokenRequestRefused("invalid_request", f"{name} is missing.")
    return value


def _refusal(refused: TokenRequestRefused | GrantRefused) -> Response:
    if isinstance(refused, GrantRefused):
        code = "invalid_scope" if isinstance(refused, ScopeRefused) else "invalid_grant"
        return _json(TokenErrorOutput(error=code).model_dump_json(exclude_none=True), refused.status)
    error = TokenErrorOutput(error=refused.code, error_description=refused.description)
    return _json(error.model_dump_json(exclude_none=True), refused.status)


def _json(content: str, status: int) -> Response:
    # Who tried a scheme of HTTP learns that it is none of ours (RFC 6749, 5.2, and RFC 9110, 15.5.2).
    headers = {**_NO_STORE, **(_SCHEME if status == 401 else {})}
    return Response(content, status, headers, "application/json")
