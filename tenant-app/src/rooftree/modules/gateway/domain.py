"""The rules of browser sessions, as pure functions: lifetimes, what a cookie's secret yields, where one may return to.

A session's secret is only in its cookie. The database has its hash, and the tokens encrypted with a key that is
derived from it: who reads the database can neither take over a session nor use its tokens.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

LOGIN_LIFE = timedelta(minutes=10)
IDLE_LIFE = timedelta(hours=12)
SESSION_LIFE = timedelta(days=7)
# Sessions of one person that a list shows; who signs in by a program has more.
MOST_LISTED = 100
# Use is noted at most once in this time, so that reading pages does not write.
TOUCH_INTERVAL = timedelta(minutes=5)
# The access token is renewed when less than this is left of it.
RENEW_BEFORE = timedelta(minutes=5)
# While the database is away a session is known for so long: the life of an access token, its own being over sooner.
KEPT_WHILE_AWAY = timedelta(minutes=10)

# One key encrypts exactly one version of one session's tokens, so a fixed nonce would do; a random one is safer.
_NONCE_BYTES = 12
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_LOCAL_PATH = re.compile(r"/(?![/\\])[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*")
_MAX_RETURN_TO = 512


@dataclass(frozen=True, slots=True)
class Sealed:
    """The two tokens behind a session, in the clear only while a request runs."""

    access_token: str
    refresh_token: str


def local_path(return_to: str | None) -> str:
    """`return_to` if it is a plain path of this site, else the home page; never another origin."""
    if return_to and len(return_to) <= _MAX_RETURN_TO and _LOCAL_PATH.fullmatch(return_to):
        return return_to
    return "/"


def session_hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def seal(secret: str, tokens: Sealed, nonce: bytes) -> bytes:
    """Encrypt for the holder of the cookie."""
    text = f"{tokens.access_token}\n{tokens.refresh_token}".encode()
    return nonce + AESGCM(_derived(secret, "tokens")).encrypt(nonce, text, session_hash(secret))


def unseal(secret: str, sealed: bytes) -> Sealed | None:
    """None when the bytes were not sealed for this secret."""
    nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        plain = AESGCM(_derived(secret, "tokens")).decrypt(nonce, text, session_hash(secret))
    except InvalidTag:
        return None
    access_token, refresh_token = plain.decode().split("\n")
    return Sealed(access_token, refresh_token)


@dataclass(frozen=True, slots=True)
class Login:
    """What a sign-in in progress needs; all of it follows from the random secret in the browser's login cookie."""

    state: str
    verifier: str

    @classmethod
    def of(cls, secret: str) -> "Login":
        return cls(state=_text(_derived(secret, "state")), verifier=_text(_derived(secret, "verifier")))

    @property
    def challenge(self) -> str:
        return _text(hashlib.sha256(self.verifier.encode()).digest())

    def is_answered_by(self, state: str) -> bool:
        return hmac.compare_digest(self.state.encode(), state.encode())


def _derived(secret: str, purpose: str) -> bytes:
    return hmac.digest(secret.encode(), f"rooftree/gateway/{purpose}".encode(), "sha256")


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def expiry(*, now: datetime, created_at: datetime) -> datetime:
    """When a session that is used now ends: after idling, at the latest a week after it began."""
    return min(now + IDLE_LIFE, created_at + SESSION_LIFE)


def renewal_key(secret: str, version: int) -> str:
    """Names one renewal of one session's tokens to identity, so that a lost answer can be had again."""
    return _text(_derived(secret, f"renewal {version}"))


def browser_name(user_agent: str) -> str | None:
    """Enough for a person to tell their browsers apart, such as `Chrome on Linux`; None when it says nothing known.

    The order decides: nearly all browsers also call themselves Safari and Mozilla.
    """
    browser = next((name for part, name in _BROWSERS if part in user_agent), None)
    system = next((name for part, name in _SYSTEMS if part in user_agent), None)
    return " on ".join(name for name in (browser, system) if name) or None
