"""Authorization requests: checked against OAuth 2.0 (RFC 9700 profile), then carried by the browser, signed.

Nothing is stored until somebody has signed in, so nobody can fill the database by asking.
"""

import base64
import binascii
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from urllib.parse import urlencode

from rooftree.contracts.identity.api import WEB_CALLBACK_PATH, WEB_CLIENT_ID
from rooftree.kernel.errors import BadRequest, Gone
from rooftree.modules.identity.domain import REQUEST_LIFE, is_challenge

SCOPES = ("openid", "profile", "email", "offline_access")
# RFC 6749, appendix A: what a state may be made of.
_TEXT = re.compile(r"[\x20-\x7e]{0,512}")
_MAC_BYTES = 32


class RequestExpired(Gone):
    code, title = "request-expired", "This sign-in has expired"


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What a client asked for, once it is known to be in order."""

    client_id: str
    redirect_uri: str
    challenge: str
    scope: str
    state: str | None
    nonce: str | None


class Clients:
    """Who may ask for sign-ins: the tenant's own web app, with its one exact redirect URI."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self._redirects = {WEB_CLIENT_ID: f"{issuer}{WEB_CALLBACK_PATH}"}

    def knows(self, client_id: str) -> bool:
        return client_id in self._redirects

    def redirect_uri(self, client_id: str) -> str | None:
        return self._redirects.get(client_id)


class AuthorizationError(Exception):
    """Goes back to the client by redirect (RFC 6749, 4.1.2.1); `location` says where."""

    def __init__(self, location: str) -> None:
        super().__init__("authorization request refused")
        self.location = location


def parse(pairs: Sequence[tuple[str, str]], clients: Clients) -> AuthorizationRequest:
    """Check the query of /oauth/authorize.

    Raises `BadRequest` while it is unknown who asks and where answers may go, `AuthorizationError` afterwards.
    """
    given = dict(pairs)
    redirect_uri = clients.redirect_uri(given.get("client_id", ""))
    if len(given) != len(pairs):
        raise BadRequest("A parameter is given twice.")
    if redirect_uri is None:
        raise BadRequest("The client is not known.")
    if given.get("redirect_uri") != redirect_uri:
        raise BadRequest("The redirect URI is not the client's.")
    state = given.get("state")
    if code := _refusal(given):
        raise AuthorizationError(answer(redirect_uri, clients.issuer, state, error=code))
    return AuthorizationRequest(
        client_id=given["client_id"],
        redirect_uri=redirect_uri,
        challenge=given["code_challenge"],
        scope=" ".join(name for name in SCOPES if name in given.get("scope", "").split()),
        state=state,
        nonce=given.get("nonce"),
    )


def _refusal(given: Mapping[str, str]) -> str | None:
    if given.get("response_type") != "code":
        return "unsupported_response_type"
    elsewhere = given.get("response_mode", "query") != "query" or "request" in given or "request_uri" in given
    proven = given.get("code_challenge_method") == "S256" and is_challenge(given.get("code_challenge", ""))
    readable = all(_TEXT.fullmatch(given.get(name, "")) for name in ("state", "nonce", "scope"))
    if elsewhere or not proven or not readable:
        return "invalid_request"
    if not set(given.get("scope", "").split()) <= set(SCOPES):
        return "invalid_scope"
    if "none" in given.get("prompt", "").split():
        return "login_required"
    return None


def answer(redirect_uri: str, issuer: str, state: str | None, **parameters: str) -> str:
    """Where the browser goes with the answer; `iss` tells the client who gave it (RFC 9207)."""
    given = {**parameters, **({"state": state} if state is not None else {}), "iss": issuer}
    return f"{redirect_uri}?{urlencode(given)}"


def seal(request: AuthorizationRequest, key: bytes, now: datetime) -> str:
    """The request as opaque text that only we can make, good for `REQUEST_LIFE`."""
    content = {**asdict(request), "until": int((now + REQUEST_LIFE).timestamp())}
    raw = json.dumps(content, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(hmac.digest(key, raw, "sha256") + raw).decode().rstrip("=")


def unseal(text: str, key: bytes, now: datetime) -> AuthorizationRequest:
    """Raises `RequestExpired` for text that is old or not ours."""
    try:
        sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise RequestExpired from None
    mac, raw = sealed[:_MAC_BYTES], sealed[_MAC_BYTES:]
    if not hmac.compare_digest(mac, hmac.digest(key, raw, "sha256")):
        raise RequestExpired
    content = json.loads(raw)
    if content.pop("until") <= now.timestamp():
        raise RequestExpired
    return AuthorizationRequest(**content)
