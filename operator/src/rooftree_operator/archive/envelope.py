"""How a backup is encrypted: a key of its own for each, sealed for the platform's public key, and numbered segments.

Whoever has only the public key writes backups and cannot read them. A segment is AES-256-GCM under the backup's own
key; its nonce is its number and whether it is the last one, so that segments which are missing, swapped, cut off, or
of another backup do not decrypt. The key is sealed by HPKE (RFC 9180: X25519, HKDF-SHA256, AES-256-GCM). Pure.
"""

import hashlib
import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
FORMAT = 1
KEY_BYTES = 32
SEGMENT_BYTES = 8 * 2**20  # of content; each segment is one object in the store
TAG_BYTES = 16


class Damaged(Exception):
    """What was read is not what was written."""


@dataclass(frozen=True)
class About:
    """Which backup it is: part of everything that is encrypted, so that nothing can take another one's place."""

    tenant: str
    backup: str
    attempt: str

    @property
    def encoded(self) -> bytes:
        return "\n".join((f"rooftree.dev/backup/{FORMAT}", self.tenant, self.backup, self.attempt)).encode()


@dataclass(frozen=True)
class KeyPair:
    """The platform's own: the private half never leaves the operator's namespace."""

    private: bytes = field(repr=False)

    @classmethod
    def made(cls) -> "KeyPair":
        return cls(X25519PrivateKey.generate().private_bytes_raw())

    @property
    def public(self) -> bytes:
        return X25519PrivateKey.from_private_bytes(self.private).public_key().public_bytes_raw()

    @property
    def id(self) -> str:
        return key_id(self.public)

    def unseal(self, sealed: bytes, about: About) -> bytes:
        """The backup's own key. Raises `Damaged` if it was sealed for another key or another backup."""
        try:
            key = SUITE.decrypt(sealed, X25519PrivateKey.from_private_bytes(self.private), about.encoded)
        except (InvalidTag, ValueError) as error:
            raise Damaged(f"the key of backup {about.backup} was not sealed for key {self.id}") from error
        return bytes(key)


def key_id(public: bytes) -> str:
    """How a public key is called in a backup."""
    return hashlib.sha256(public).hexdigest()[:16]


def data_key() -> bytes:
    """A new backup's own key."""
    return os.urandom(KEY_BYTES)


def seal(public: bytes, key: bytes, about: About) -> bytes:
    """The backup's own key, for whoever has the private half of `public`."""
    return bytes(SUITE.encrypt(key, X25519PublicKey.from_public_bytes(public), about.encoded))


class Cipher:
    """Encrypts and decrypts the segments of one backup, which are numbered from 1."""

    def __init__(self, key: bytes, about: About) -> None:
        self._gcm = AESGCM(key)
        self._about = about

    def encrypt(self, number: int, content: bytes, *, last: bool) -> bytes:
        return self._gcm.encrypt(_nonce(number, last), content, self._about.encoded)

    def decrypt(self, number: int, segment: bytes, *, last: bool) -> bytes:
        """Raises `Damaged` unless it is exactly this segment of exactly this backup."""
        try:
            return self._gcm.decrypt(_nonce(number, last), segment, self._about.encoded)
        except InvalidTag as error:
            raise Damaged(
                f"segment {number} of backup {self._about.backup} is damaged, missing or another one"
            ) from error


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
