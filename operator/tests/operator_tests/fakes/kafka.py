"""A Kafka that keeps users, ACLs, quotas, topics and groups, and lets in whom the real one would."""

import functools
import hashlib
from collections.abc import Mapping, Sequence

from rooftree_operator.adapters.kafka import AccessSeen, Grant, Kafka
from rooftree_operator.errors import LoginRefused, Unavailable
from rooftree_operator.gate import Gate
from rooftree_operator.scram import Salted

from .faults import Faults


class FakeKafka(Kafka):
    """One cluster. `down` makes it unreachable. `writes` lists every request that changes something.

    `logins` lists those who got in and changed nothing.
    """

    def __init__(self, faults: Faults | None = None) -> None:
        self.gate = Gate()
        self.credentials: dict[str, Salted] = {}
        self.grants: dict[str, set[Grant]] = {}
        self.quotas: dict[str, dict[str, float]] = {}
        self.known: dict[str, dict[str, str]] = {}  # topics with their settings
        self.members: dict[str, int] = {}  # of consumer groups
        self.writes: list[str] = []
        self.logins: list[str] = []
        self.faults = faults or Faults()
        self.down = False
        self.slow_logins = 0  # so many logins are refused although the credential is right

    def _read(self) -> None:
        self.gate.check()
        if self.down:
            raise Unavailable("KafkaUnreachable", "Kafka does not answer")
        self.faults.before()

    def _write(self, what: str) -> None:
        self._read()
        self.writes.append(what)

    async def ping(self) -> None:
        if self.down:
            raise Unavailable("KafkaUnreachable", "Kafka does not answer")

    async def access(self, user: str, topics: Sequence[str]) -> AccessSeen:
        self._read()
        credential = self.credentials.get(user)
        return AccessSeen(
            iterations=credential.iterations if credential else None,
            topics={name: dict(self.known[name]) for name in topics if name in self.known},
            grants=frozenset(self.grants.get(user, ())),
            quotas=dict(self.quotas.get(user, {})),
        )

    async def set_credential(self, user: str, salted: Salted) -> None:
        self._write(f"credential {user}")
        self.credentials[user] = salted
        self.faults.done()

    async def drop_credential(self, user: str) -> None:
        self._write(f"drop credential {user}")
        self.credentials.pop(user, None)
        self.faults.done()

    async def create_topic(self, name: str, settings: Mapping[str, str]) -> None:
        self._write(f"create topic {name}")
        self.known.setdefault(name, dict(settings))
        self.faults.done()

    async def set_topic(self, name: str, settings: Mapping[str, str]) -> None:
        self._write(f"set topic {name}")
        self.known[name].update(settings)
        self.faults.done()

    async def topics(self, prefix: str) -> list[str]:
        self._read()
        return sorted(name for name in self.known if name.startswith(prefix))

    async def delete_topics(self, names: Sequence[str]) -> None:
        self._write(f"delete topics {', '.join(names)}")
        for name in names:
            self.known.pop(name, None)
        self.faults.done()

    async def groups(self, prefix: str) -> list[str]:
        self._read()
        return sorted(name for name in self.members if name.startswith(prefix))

    async def delete_groups(self, names: Sequence[str]) -> list[str]:
        self._write(f"delete groups {', '.join(names)}")
        for name in [name for name in names if not self.members.get(name)]:
            self.members.pop(name, None)
        self.faults.done()
        return [name for name in names if name in self.members]

    async def expel(self, groups: Sequence[str]) -> None:
        self._write(f"expel {', '.join(groups)}")
        self.members.update(dict.fromkeys(groups, 0))
        self.faults.done()

    async def allow(self, user: str, grants: Sequence[Grant]) -> None:
        self._write(f"allow {user}")
        self.grants.setdefault(user, set()).update(grants)
        self.faults.done()

    async def disallow(self, user: str, grants: Sequence[Grant]) -> None:
        self._write(f"disallow {user}")
        left = self.grants.get(user, set()) - set(grants)
        self.grants = {name: held for name, held in {**self.grants, user: left}.items() if held}
        self.faults.done()

    async def set_quotas(self, user: str, quotas: Mapping[str, float | None]) -> None:
        self._write(f"quotas {user}")
        changed = {**self.quotas.get(user, {}), **quotas}
        left = {key: value for key, value in changed.items() if value is not None}
        self.quotas = {name: held for name, held in {**self.quotas, user: left}.items() if held}
        self.faults.done()

    def lets_in(self, user: str, password: str) -> bool:
        """Whether the user logs in with this password."""
        credential = self.credentials.get(user)
        return credential is not None and _fits(credential, password)

    async def probe(self, user: str, password: str, topic: str) -> None:
        self._write(f"probe {topic}")
        self._enter(user, password, topic)

    async def log_in(self, user: str, password: str, topic: str) -> None:
        self._read()
        self._enter(user, password, topic)
        self.logins.append(user)

    def _enter(self, user: str, password: str, topic: str) -> None:
        if self.slow_logins or not self.lets_in(user, password):
            self.slow_logins = max(0, self.slow_logins - 1)
            raise LoginRefused
        if topic not in self.known or not {"read", "write", "describe"} <= self.may(user, topic):
            raise Unavailable("KafkaRefused", f"{user} may not use {topic}")
        self.faults.done()

    def may(self, user: str, topic: str) -> set[str]:
        """What the user may do with the topic, as the authorizer decides."""
        held = self.grants.get(user, set())
        return {grant.operation for grant in held if grant.resource == "topic" and topic.startswith(grant.name)}


@functools.cache
def _fits(credential: Salted, password: str) -> bool:
    hashed = hashlib.pbkdf2_hmac("sha512", password.encode(), credential.salt, credential.iterations)
    return hashed == credential.password
