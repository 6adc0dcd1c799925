"""A brokerage is suspended and resumed on a real cluster, with visitors who never stop asking."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from .conftest import (
    READY_SECONDS,
    TOPOLOGY,
    Edge,
    Kubectl,
    ObjectStore,
    Tenant,
    fresh_name,
    inventory,
    manifest,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

PLATFORM = "rooftree-system"
PROBLEM = "https://rooftree.dev/problems/suspended"
BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"
MESSAGE = "Back on <b>Monday</b> & later"
SUSPENDED_SECONDS = 60  # pods that have something to end may take 45 s
# From the patch to the first answer of the app. Some 4 s on a machine that does nothing else.
RESUMED_SECONDS = {"monolith": 25.0, "microservices": 60.0}[TOPOLOGY]


@dataclass(frozen=True)
class Met:
    """Whom a visitor met: `app`, `page`, or in words what else came; `at` by the monotonic clock."""

    at: float
    who: str


class Visitors(threading.Thread):
    """Ask all the time, as browsers and as programs in turn, until they are stopped."""

    def __init__(self, host: str) -> None:
        super().__init__(daemon=True)
        self.met: list[Met] = []
        self._host = host
        self._enough = threading.Event()

    def run(self) -> None:
        edge = Edge()
        for turn in range(1_000_000):
            if self._enough.is_set():
                break
            try:
                answer = edge.get(self._host, "/version", Accept=(BROWSER, "application/json")[turn % 2])
                who = recognised(answer)
            except httpx2.HTTPError as error:
                who = f"no answer: {error!r}"
            self.met.append(Met(time.monotonic(), who))
            self._enough.wait(0.02)
        edge.close()

    def __enter__(self) -> Visitors:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self.join(timeout=30)

    def first(self, who: str, *, after: float, seconds: float) -> float:
        """When they met `who` for the first time after a moment."""

        def look() -> float | None:
            return next((met.at for met in list(self.met) if met.who == who and met.at > after), None)

        return until(f"visitors meet the {who}", look, seconds=seconds, every=0.05)


def recognised(answer: httpx2.Response) -> str:
    """Who gave this answer to `/version`."""
    kind = answer.headers.get("content-type", "")
    if answer.status_code == 200 and kind.startswith("application/json") and "tenant_id" in answer.json():
        return "app"
    is_problem = kind == "application/problem+json" and answer.json()["type"] == PROBLEM
    is_page = kind.startswith("text/html") and "<h1>Brokerage " in answer.text
    if answer.status_code in (402, 503) and (is_problem or is_page):
        return "page"
    return f"{answer.status_code} {kind}: {answer.text[:200]}"


def declare(kubectl: Kubectl, name: str, suspend: dict[str, str] | None) -> None:
    patch = json.dumps({"spec": {"suspend": suspend}})
    kubectl.run("patch", "brokerage", name, "--type=merge", "-p", patch)


def wait_suspended(kubectl: Kubectl, name: str, seconds: int = SUSPENDED_SECONDS) -> None:
    """Until it is at rest: no pods, and the address shows the page."""
    until(
        f"{name} is at rest",
        lambda: {kind: (c["status"], c["reason"]) for kind, c in kubectl.conditions(name).items()},
        seconds=seconds,
        enough=lambda seen: (
            seen.get("Suspended", ("",))[0] == "True"
            and seen.get("Ready") == ("False", "Suspended")
            and not {"Reconciling", "Stalled"} & seen.keys()
        ),
    )


def app_pods(kubectl: Kubectl, namespace: str) -> list[str]:
    """Pods of the app and its modules; Jobs' pods have no such label."""
    found = kubectl.items("pods", "-n", namespace, "-l", "app.kubernetes.io/name")
    return [pod["metadata"]["name"] for pod in found]


def kept(tenant: Tenant) -> set[tuple[str, str, str]]:
    """All that exists of the tenant, without what comes and goes with pods."""
    passing = ("Pod", "EndpointSlice", "Endpoints", "ReplicaSet", "group", "keys", "session")
    items = inventory(tenant.id)["items"]
    lasting = [item for item in items if item["kind"].partition(".")[0] not in passing]
    return {(item["system"], item["kind"], _numberless(item)) for item in lasting}


def _numberless(item: dict[str, str]) -> str:
    """The app makes an index anew, with the next number, whenever it has a reason to."""
    return item["name"].rpartition("-")[0] if item["kind"] == "index" else item["name"]


@pytest.fixture(scope="module")
def closed(brokerages: Callable[..., Tenant], kubectl: Kubectl) -> Tenant:
    """A suspended brokerage for the tests that change nothing of it."""
    made = brokerages(fresh_name("closed"))
    declare(kubectl, made.name, {"reason": "billing", "message": MESSAGE})
    wait_suspended(kubectl, made.name)
    return made


def test_visitors_meet_the_app_or_the_page_and_the_app_is_back_in_time_with_all_its_data(
    brokerages: Callable[..., Tenant], kubectl: Kubectl
) -> None:
    tenant = brokerages(fresh_name("suspend"))
    store = ObjectStore.tenant(kubectl, tenant)
    assert store.ask("PUT", f"/{tenant.id}/photos/1", b"a picture").is_success
    # Derived from a row and a key: the same link again means that both are still there.
    link = kubectl.ask_app(tenant.namespace, "owner-link")
    before = kept(tenant)
    with Visitors(tenant.host) as visitors:
        visitors.first("app", after=0.0, seconds=10)
        declare(kubectl, tenant.name, {"reason": "manual"})
        shown = visitors.first("page", after=0.0, seconds=15)
        wait_suspended(kubectl, tenant.name)
        assert app_pods(kubectl, tenant.namespace) == []
        assert before - kept(tenant) == set(), "nothing goes but pods"
        patched = time.monotonic()
        declare(kubectl, tenant.name, None)
        back = visitors.first("app", after=patched, seconds=READY_SECONDS)
        kubectl.wait_ready(tenant.name)
    others = [met.who for met in visitors.met if met.who not in ("app", "page")]
    figures = f"resumed in {back - patched:.1f} s; {len(visitors.met)} requests, {len(others)} by neither app nor page"
    print(f"\n{figures}")  # noqa: T201 - people compare the figure
    assert others == []
    seen = [met.who for met in visitors.met if shown < met.at < patched]
    assert set(seen) == {"page"}, "once the page is shown nobody meets the app"
    assert {met.who for met in visitors.met if met.at > back} == {"app"}, "and the other way round"
    assert back - patched <= RESUMED_SECONDS
    assert store.ask("GET", f"/{tenant.id}/photos/1").content == b"a picture"
    assert kubectl.ask_app(tenant.namespace, "owner-link") == link


@pytest.mark.thorough
def test_events_tell_suspension_and_resumption_once(brokerages: Callable[..., Tenant], kubectl: Kubectl) -> None:
    tenant = brokerages(fresh_name("told"))
    declare(kubectl, tenant.name, {"reason": "idle"})
    wait_suspended(kubectl, tenant.name)
    declare(kubectl, tenant.name, None)
    kubectl.wait_ready(tenant.name)
    uid = kubectl.get("brokerage", tenant.name)["metadata"]["uid"]

    def told() -> list[str]:
        events = kubectl.items("events.events.k8s.io", "-n", "default")
        reasons = [event["reason"] for event in events if event.get("regarding", {}).get("uid") == uid]
        return sorted(reason for reason in reasons if reason in ("Suspended", "Resumed"))

    until("both are told", told, seconds=10, enough=lambda seen: seen == ["Resumed", "Suspended"])
    assert "Suspended" not in kubectl.conditions(tenant.name)


def test_browsers_get_a_page_with_name_sentence_and_message_as_text(closed: Tenant, edge: Edge) -> None:
    answer = edge.get(closed.host, "/some/path", Accept=BROWSER)
    assert (answer.status_code, answer.headers["content-type"]) == (402, "text/html; charset=utf-8")
    assert f"<h1>Brokerage {closed.name}</h1>" in answer.text
    assert "Please contact the brokerage." in answer.text
    assert "Back on &lt;b&gt;Monday&lt;/b&gt; &amp; later" in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert (answer.headers["x-robots-tag"], answer.headers["cache-control"]) == ("noindex", "no-store")
    assert "retry-after" not in answer.headers


def test_programs_get_a_problem(closed: Tenant, edge: Edge) -> None:
    answer = edge.get(closed.host, "/api/v1/people", Accept="application/json")
    assert (answer.status_code, answer.headers["content-type"]) == (402, "application/problem+json")
    told = answer.json()
    assert (told["type"], told["status"], told["message"]) == (PROBLEM, 402, MESSAGE)
    assert told["brokerage"] == f"Brokerage {closed.name}"


def test_nobody_can_forge_the_page(closed: Tenant, edge: Edge) -> None:
    forged = {"X-Rooftree-Suspended": "idle", "X-Rooftree-Brokerage": "Forged", "X-Rooftree-Message": "Forged"}
    unknown = edge.get("nobody.rooftree.localhost", **forged)
    assert (unknown.status_code, "Forged" in unknown.text) == (404, False)
    suspended = edge.get(closed.host, **forged)
    assert (suspended.status_code, "Forged" in suspended.text) == (402, False)


def test_the_state_tells_it_in_conditions_phase_and_columns(closed: Tenant, kubectl: Kubectl) -> None:
    seen = kubectl.conditions(closed.name)
    assert (seen["Suspended"]["status"], seen["Suspended"]["reason"]) == ("True", "Billing")
    assert (seen["Ready"]["status"], seen["Ready"]["reason"]) == ("False", "Suspended")
    assert {kind for kind, condition in seen.items() if condition["status"] != "True"} == {"Ready"}
    status = kubectl.get("brokerage", closed.name)["status"]
    assert (status["phase"], status["replicas"]) == ("Suspended", 0)
    wide = kubectl.run("get", "bkr", closed.name, "-o", "wide").stdout.split("\n")
    assert "SUSPENDED" in wide[0].split()
    assert "Billing" in wide[1].split()


def test_nobody_of_ours_owns_the_number_of_pods(closed: Tenant, kubectl: Kubectl) -> None:
    deployment = kubectl.get("deployment", "app", "-n", closed.namespace, "--show-managed-fields")
    assert deployment["spec"]["replicas"] == 0
    applied = [entry for entry in deployment["metadata"]["managedFields"] if entry["operation"] == "Apply"]
    assert applied
    assert not any("f:replicas" in entry["fieldsV1"].get("f:spec", {}) for entry in applied)


def test_an_unchanged_suspended_brokerage_is_left_alone(closed: Tenant, kubectl: Kubectl) -> None:
    def versions() -> dict[str, str]:
        found = [kubectl.get("brokerage", closed.name), kubectl.get("httproute", "app", "-n", closed.namespace)]
        found += kubectl.items("deployments", "-n", closed.namespace)
        return {f"{item['kind']} {item['metadata']['name']}": item["metadata"]["resourceVersion"] for item in found}

    before = versions()
    # A new label makes the operator look again; nothing else changes by it.
    kubectl.run("label", "brokerage", closed.name, "seen=again")
    labelled = {**versions(), f"Brokerage {closed.name}": before[f"Brokerage {closed.name}"]}
    assert labelled == before
    brokerage = kubectl.get("brokerage", closed.name)["metadata"]["resourceVersion"]
    with pytest.raises(pytest.fail.Exception):
        until("the operator writes", lambda: versions() != {**before, f"Brokerage {closed.name}": brokerage}, seconds=5)


@pytest.fixture
def unborn(kubectl: Kubectl, plans: None) -> Iterator[str]:
    """A brokerage that was created suspended."""
    name = fresh_name("unborn")
    kubectl.apply(manifest(name, suspend={"reason": "manual"}))
    wait_suspended(kubectl, name, READY_SECONDS)
    yield name
    kubectl.delete_brokerage(name)


@pytest.mark.thorough
def test_a_brokerage_that_is_created_suspended_has_everything_but_pods_and_can_be_resumed(
    unborn: str, kubectl: Kubectl, edge: Edge
) -> None:
    status = kubectl.get("brokerage", unborn)["status"]
    assert app_pods(kubectl, status["namespace"]) == []
    assert kubectl.items("replicasets", "-n", status["namespace"]) == []
    systems = {item["system"] for item in inventory(status["tenantID"])["items"]}
    assert systems == {*inventory(status["tenantID"])["looked_at"]}
    assert edge.get(f"{unborn}.rooftree.localhost").status_code == 503
    declare(kubectl, unborn, None)
    tenant = Tenant.of(kubectl.wait_ready(unborn))
    assert edge.get(tenant.host, "/version").json()["tenant_id"] == tenant.id


@pytest.mark.thorough
def test_deleting_a_suspended_brokerage_leaves_nothing(unborn: str, kubectl: Kubectl) -> None:
    tenant = kubectl.get("brokerage", unborn)["status"]["tenantID"]
    assert kubectl.exists("referencegrant", f"tenant-{tenant}", "-n", PLATFORM)
    kubectl.delete_brokerage(unborn)
    assert inventory(tenant)["items"] == []
    assert not kubectl.exists("referencegrant", f"tenant-{tenant}", "-n", PLATFORM)


@pytest.mark.parametrize(
    ("suspend", "field", "rule"),
    [
        ({"reason": "holidays"}, "spec.suspend.reason", "Unsupported value"),
        ({"message": "why"}, "spec.suspend.reason", "Required value"),
        ({"reason": "idle", "message": "m" * 301}, "spec.suspend.message", "Too long"),
        ({"reason": "idle", "until": "Monday"}, "spec.suspend.until", "unknown field"),
    ],
)
def test_a_suspension_that_breaks_a_rule_is_refused_with_field_and_rule(
    kubectl: Kubectl, suspend: dict[str, Any], field: str, rule: str
) -> None:
    content = json.dumps(manifest("rules", suspend=suspend))
    refused = kubectl.run("apply", "--dry-run=server", "-f", "-", content=content, code=1).stderr
    assert field in refused
    assert rule in refused
