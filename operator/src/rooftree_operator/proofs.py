"""Which credentials have been seen to work, so that a tenant is probed once and not at every look.

Kept in memory only: after a restart every tenant is probed once more, which is what makes it safe to forget.
"""

from collections.abc import Iterable

from . import scram
from .names import TenantId


class Proofs:
    """Of one backend."""

    def __init__(self) -> None:
        self._proven: dict[str, set[str]] = {}

    def hold(self, tenant: TenantId, passwords: Iterable[str]) -> bool:
        """Whether the tenant got in with each of them since anything was last changed for it."""
        return {scram.fingerprint(password) for password in passwords} <= self._proven.get(tenant.value, set())

    def add(self, tenant: TenantId, password: str) -> None:
        self._proven.setdefault(tenant.value, set()).add(scram.fingerprint(password))

    def drop(self, tenant: TenantId) -> None:
        """Something of the tenant is being changed or deleted."""
        self._proven.pop(tenant.value, None)
