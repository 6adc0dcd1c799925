"""The rules of signing in, as pure functions: passwords, PKCE, one-time links, lifetimes."""

import base64
import binascii
import hashlib
import hmac
import re
import unicodedata
from datetime import timedelta
from uuid import UUID

from rooftree.kernel.text import email_key

OWNER_LINK_LIFE = timedelta(hours=24)
# A colleague may be away for a weekend or ill for some days; the mail can be sent again.
INVITATION_LIFE = timedelta(days=7)
# Long enough for a season; whoever needs longer gives it again.
DELEGATION_LIFE = timedelta(days=366)
REQUEST_LIFE = timedelta(minutes=10)
CODE_LIFE = timedelta(seconds=60)
ACCESS_LIFE = timedelta(minutes=10)
REFRESH_LIFE = timedelta(days=7)
FAMILY_LIFE = timedelta(days=30)

THROTTLE_WINDOW = timedelta(minutes=15)
# Who guesses is kept out where they are, so that nobody can keep the person out whose account it is. From all
# addresses together NIST SP 800-63B allows 100 failures; an office behind one address needs more than one person.
PAIR_ATTEMPTS = 10  # at one account from one address
ACCOUNT_ATTEMPTS = 100
ADDRESS_ATTEMPTS = 60
TENANT_ALARM = 500  # tries that are worth a warning; nobody is refused because of others' tries

PASSWORD_MIN = 12
PASSWORD_MAX = 128
NAME_MAX = 120
# Teams are claims of the access token: 20 times 52 bytes of its 4096.
MAX_TEAMS = 20

_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_MAC_BYTES = 32
_ID_BYTES = 16
_NUMBER_BYTES = 3  # so that the token is a multiple of three bytes and has no padding
_VARIETY = 5
_WORD = 4


def normalized_password(password: str) -> str:
    """The same bytes however a keyboard composed the characters (RFC 8265)."""
    return unicodedata.normalize("NFC", password)


def password_weakness(password: str, *, email: str, name: str) -> str | None:
    """Why this password is not accepted, or None. Length and guessability, no composition rules."""
    if len(password) < PASSWORD_MIN:
        return f"Use at least {PASSWORD_MIN} characters."
    if len(password) > PASSWORD_MAX:
        return f"Use at most {PASSWORD_MAX} characters."
    folded = password.casefold()
    if len(set(folded)) < _VARIETY:
        return "Use more different characters."
    own_words = [email_key(email), *email_key(email).split("@"), *name.casefold().split()]
    rest = folded
    for word in own_words:
        rest = rest.replace(word, "") if len(word) >= _WORD else rest
    if len(rest) < PASSWORD_MIN // 2:
        return "Do not build it from your name or e-mail address."
    if any(folded.startswith(common) for common in ("password", "passw0rd", "qwerty", "1234567", "letmein")):
        return "This is one of the passwords that are tried first."
    return None


def is_challenge(value: str) -> bool:
    """Whether this can be a PKCE S256 challenge."""
    return _CHALLENGE.fullmatch(value) is not None


def matches_challenge(verifier: str, challenge: str) -> bool:
    """PKCE S256 (RFC 7636), in constant time."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    return hmac.compare_digest(digest, challenge)


def derived_key(seed: bytes, purpose: str) -> bytes:
    """An independent key for each purpose, from the tenant's one seed."""
    return hmac.digest(seed, f"rooftree/identity/{purpose}".encode(), "sha256")


def invitation_token(key: bytes, invitation: UUID, number: int) -> str:
    """The secret part of a one-time link; computed again whenever needed, stored nowhere. `number` counts its links."""
    opened = invitation.bytes + number.to_bytes(_NUMBER_BYTES)
    return base64.urlsafe_b64encode(opened + hmac.digest(key, opened, "sha256")).decode()


def invitation_link(key: bytes, token: str) -> tuple[UUID, int] | None:
    """Which invitation a token opens, by which of its links; None when it was not made with this key."""
    try:
        raw = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    if len(raw) != _ID_BYTES + _NUMBER_BYTES + _MAC_BYTES:
        return None
    opened, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if not hmac.compare_digest(mac, hmac.digest(key, opened, "sha256")):
        return None
    return UUID(bytes=opened[:_ID_BYTES]), int.from_bytes(opened[_ID_BYTES:])


def successor(key: bytes, refresh_token: str, idempotency_key: str) -> str:
    """The refresh token that follows this one for whoever knows both: the same however often it is asked for."""
    mac = hmac.digest(key, f"{refresh_token} {idempotency_key}".encode(), "sha256")
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def secret_hash(secret: str) -> bytes:
    """What is stored of a random secret; plain SHA-256 suffices for 256 random bits."""
    return hashlib.sha256(secret.encode()).digest()
