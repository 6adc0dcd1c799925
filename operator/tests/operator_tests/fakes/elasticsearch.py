"""An Elasticsearch that keeps roles, users, templates and indices; it lets nobody do what the role does not grant."""

from collections.abc import Iterable
from typing import Any

from rooftree_operator.adapters.elasticsearch import Elasticsearch, Login
from rooftree_operator.drift import Object
from rooftree_operator.errors import LoginRefused, Unavailable
from rooftree_operator.gate import Gate

from .faults import Faults


class FakeElasticsearch(Elasticsearch):
    """One cluster. `down` makes it unreachable. `writes` lists every request that changes something.

    `logins` lists those who got in.
    """

    def __init__(self, faults: Faults | None = None) -> None:
        self.gate = Gate()
        self.roles: dict[str, Object] = {}
        self.users: dict[str, Object] = {}
        self.passwords: dict[str, str] = {}
        self.templates: dict[str, Object] = {}
        self.known: set[str] = set()
        self.writes: list[str] = []
        self.logins: list[str] = []
        self.faults = faults or Faults()
        self.down = False

    def _read(self) -> None:
        self.gate.check()
        if self.down:
            raise Unavailable("ElasticsearchUnreachable", "Elasticsearch does not answer")
        self.faults.before()

    def _put(self, what: str, place: dict[str, Object], name: str, body: Object) -> None:
        self._read()
        self.writes.append(f"put {what} {name}")
        place[name] = body
        self.faults.done()

    def _drop(self, what: str, place: dict[str, Any], name: str) -> None:
        self._read()
        self.writes.append(f"delete {what} {name}")
        place.pop(name, None)
        self.faults.done()

    async def ping(self) -> None:
        self._read()

    async def role(self, name: str) -> Object | None:
        self._read()
        return self.roles.get(name)

    async def user(self, name: str) -> Object | None:
        self._read()
        return self.users.get(name)

    async def template(self, name: str) -> Object | None:
        self._read()
        return self.templates.get(name)

    async def put_role(self, name: str, body: Object) -> None:
        self._put("role", self.roles, name, body)

    async def put_user(self, name: str, body: Object) -> None:
        self.passwords[name] = body["password"]
        self._put("user", self.users, name, {key: value for key, value in body.items() if key != "password"})

    async def put_template(self, name: str, body: Object) -> None:
        self._put("template", self.templates, name, body)

    async def delete_role(self, name: str) -> None:
        self._drop("role", self.roles, name)

    async def delete_user(self, name: str) -> None:
        self._drop("user", self.users, name)

    async def delete_template(self, name: str) -> None:
        self._drop("template", self.templates, name)

    async def indices(self, prefix: str) -> list[str]:
        self._read()
        return sorted(name for name in self.known if name.startswith(prefix))

    async def delete_indices(self, indices: Iterable[str]) -> None:
        self._read()
        wanted = set(indices)
        self.writes += [f"delete index {name}" for name in sorted(wanted)]
        self.known -= wanted
        self.faults.done()

    def lets_in(self, user: str, password: str) -> bool:
        """Whether the user logs in with this password."""
        found = self.users.get(user)
        return found is not None and found["enabled"] and self.passwords[user] == password

    async def probe(self, login: Login, role: Object) -> None:
        self._read()
        if not self.lets_in(login.user, login.password):
            raise LoginRefused(f"Elasticsearch refuses the tenant's own user {login.user}")
        (granted,) = self.users[login.user]["roles"]
        known = self.roles.get(granted)
        if known is None or (known["cluster"], known["indices"]) != (role["cluster"], role["indices"]):
            raise Unavailable("ElasticsearchRefused", f"Elasticsearch refuses the tenant's own user {login.user}")
        self.logins.append(login.user)
        self.faults.done()
