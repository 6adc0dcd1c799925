"""What a browser's session has written last, so that its lists show it wherever they are read.

A unit of work of a request that changes something notes where its commit is in the primary's log. The answer gives
that place to the browser in a cookie, which later requests bring back: a standby that has not come so far is not asked
for them. The place is sealed by the session's secret, because it would tell how much all tenants of a server write;
one that cannot be read, or was made up, only sends the requests of its sender to the primary. After `KEEP_SECONDS`
it is forgotten: a standby that is asked at all has come further by then.

Requests without a session, such as those of API clients, carry nothing and read at the primary.
"""

import base64
import binascii
import hmac
import secrets
import struct
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rooftree.kernel.auth import MAX_SESSION_SECRET, SESSION_COOKIE
from rooftree.kernel.cookies import set_cookie, single

WRITTEN_COOKIE = "__Host-written"
KEEP_SECONDS = 60
_NONCE_BYTES = 12
_PLACE = struct.Struct(">IQ")
_MAX_VALUE = 64


class Place(NamedTuple):
    """A place in the primary's log; a later one is greater. `timeline` rises when a standby becomes the primary."""

    timeline: int
    position: int
    """Bytes from the beginning of the log."""


BEGINNING = Place(0, 0)
END = Place(2**31 - 1, 2**63 - 1)
"""No standby ever comes so far: the primary is asked."""


@dataclass(slots=True)
class Written:
    """Of the session whose request this is."""

    secret: str
    is_noting: bool
    """The request may change something."""
    place: Place
    """What is read must hold all that was committed before."""
    is_new: bool = False
    """The browser does not know `place` yet."""

    def note(self, place: Place) -> None:
        """A place is later than whatever was committed before it, wherever that was."""
        self.place = place if self.place == END else max(self.place, place)
        self.is_new = True


written: ContextVar[Written | None] = ContextVar("written", default=None)
"""None where there is no session, and in apps that have no standby."""


def unplaced() -> None:
    """What the request tells of was committed by an earlier one, nobody knows where."""
    session = written.get()
    if session is not None:
        session.note(END)


def carried(cookies: Sequence[str], *, is_noting: bool) -> Written | None:
    """What a request brings in its headers `Cookie`; None without a session."""
    secret = single(cookies, SESSION_COOKIE, MAX_SESSION_SECRET)
    if secret is None:
        return None
    if not any(WRITTEN_COOKIE in header for header in cookies):
        return Written(secret, is_noting, BEGINNING)
    value = single(cookies, WRITTEN_COOKIE, _MAX_VALUE)
    return Written(secret, is_noting, END if value is None else _unsealed(secret, value))


def handed_out(session: Written) -> tuple[str, str]:
    """The header that gives the session's place to its browser."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = nonce + AESGCM(_key(session.secret)).encrypt(nonce, _PLACE.pack(*session.place), None)
    return set_cookie(WRITTEN_COOKIE, base64.urlsafe_b64encode(sealed).decode(), KEEP_SECONDS)


def _unsealed(secret: str, value: str) -> Place:
    try:
        sealed = base64.b64decode(value, altchars=b"-_", validate=True)
        plain = AESGCM(_key(secret)).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
        return Place(*_PLACE.unpack(plain))
    except (binascii.Error, ValueError, InvalidTag, struct.error):
        return END


def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"rooftree/kernel/written", "sha256")
