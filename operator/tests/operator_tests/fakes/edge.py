"""An edge that follows the routes which it has accepted, and answers for the app's pods and for the page."""

from copy import deepcopy
from typing import Any

from rooftree_operator import host_pages
from rooftree_operator.activator import sleepers
from rooftree_operator.adapters.edge import Answer
from rooftree_operator.adapters.kubernetes import DEPLOYMENT, GRANT, ROUTE, SLICE
from rooftree_operator.drift import Object
from rooftree_operator.names import ACTIVATOR

from .kubernetes import FakeKubernetes

PLATFORM = "rooftree-system"


class FakeEdge:
    """Knows routes and endpoints as they were when it last learned, as the real one is always a little late."""

    def __init__(self, kube: FakeKubernetes) -> None:
        self._kube = kube
        self._routes: dict[str, tuple[str, Object]] = {}
        self._ready: dict[str | None, bool] = {}
        self._granted: set[str] = set()
        self.page_is_down = False

    def learn(self) -> None:
        """Takes over what is there now."""
        objects = self._kube.objects
        routes = [(space, item) for (kind, space, _), item in objects.items() if kind == ROUTE.kind and space]
        self._routes = {
            host: (space, deepcopy(item["spec"]["rules"][0]))
            for space, item in routes
            for host in item["spec"]["hostnames"]
            if "rules" in item["spec"]
        }
        slices = [(space, item) for (kind, space, name), item in objects.items() if (kind, name) == (SLICE.kind, "app")]
        self._ready = {space: any(one["conditions"]["ready"] for one in item["endpoints"]) for space, item in slices}
        grants = [item for (kind, space, _), item in objects.items() if (kind, space) == (GRANT.kind, PLATFORM)]
        self._granted = {origin["namespace"] for grant in grants for origin in grant["spec"]["from"]}

    def visit(self, host: str, **headers: str) -> tuple[int, str]:
        """What a visitor gets: the status, and who answers it (app, page, or the edge itself)."""
        if host not in self._routes:
            return 404, "page"
        space, rule = self._routes[host]
        (target,) = rule["backendRefs"]
        if target["name"] == "app":
            return (200, "app") if self._ready.get(space) else (503, "edge")
        if target["name"] == ACTIVATOR and space in self._granted and target["namespace"] == PLATFORM:
            # A visitor waits there until the app answers; see the tests of the activator.
            assert sleepers.sleeper_of(_changed(rule, dict(headers))) == sleepers.Sleeper(space, self._modules(space))
            return 200, "activator"
        if space not in self._granted or target["namespace"] != PLATFORM:
            return 500, "edge"
        if self.page_is_down:
            return 503, "edge"
        return host_pages.reply("/", _changed(rule, {"X-Forwarded-Host": host, **headers})).status, "page"

    async def version(self, host: str, port: int) -> Answer:
        status, who = self.visit(host)
        if who == "page" and status != 404:
            return Answer("", suspended=True)
        if who == "activator":
            return Answer("", asleep=True)
        if status != 200:
            return Answer(f"https://{host}:{port}/version answers {status}")
        app = self._kube.find(DEPLOYMENT, "app", self._routes[host][0])
        assert app is not None
        env = {e["name"]: e.get("value", "") for e in app["spec"]["template"]["spec"]["containers"][0]["env"]}
        return Answer("", env["ROOFTREE_TENANT_ID"], env["ROOFTREE_VERSION"])

    def _modules(self, space: str) -> tuple[str, ...]:
        """Those that have pods of their own."""
        kinds = (key for key in self._kube.objects if key[:2] == (DEPLOYMENT.kind, space))
        return tuple(sorted(name for _, _, name in kinds if name != "app"))


def _changed(rule: dict[str, Any], headers: dict[str, str]) -> dict[str, str]:
    """The request's headers after the rule's filters."""
    for one in rule["filters"]:
        change = one["requestHeaderModifier"]
        headers |= {entry["name"]: entry["value"] for entry in change["set"]}
        headers = {name: value for name, value in headers.items() if name not in change.get("remove", [])}
    return headers
