"""Which credentials have been seen to work, so that a tenant is tried once and not at every look.

That a login works no backend tells: it is tried, as the tenant. What else belongs to it (rights, quotas, marks of the
credential) each pass reads anew, so a backend that was set back to an older state is noticed with or without a proof.

A login is tried thoroughly, by writing something and reading it back, when anything of it was changed, and as long as
its condition is not true. Otherwise, which is after a restart, it only logs in and reads: the condition says that it
was tried thoroughly since it was made, and a restart over unchanged tenants changes nothing anywhere.

Proofs are kept in memory only, and dropped before anything is changed. So nothing can be believed that is not so any
more: a process that dies between a change and its proof has no successor that knows of a proof. The condition may then
still be true, of a tenant that was in place before; its successor sees that all is as wanted, logs in and reads.
"""

from collections.abc import Iterable, Sized

from . import scram
from .names import TenantId
from .tenant import Tenant


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


def is_thorough(tenant: Tenant, condition: str, changes: Sized) -> bool:
    """Whether a login that is to be tried is to write, too; `changes` are what is done before."""
    return bool(changes) or condition not in tenant.met
