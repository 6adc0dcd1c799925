"""What is wanted for a sample tenant, rendered: a reviewer sees the YAML that changes.

After an intended change: `ROOFTREE_GOLDENS=write pytest operator/tests/operator_tests/test_plans.py`.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from rooftree_operator import pods, routing, serving
from rooftree_operator.adapters.kafka import AccessSeen
from rooftree_operator.adapters.kubernetes import BUDGET, POLICY, SECRET
from rooftree_operator.adapters.redis import COMMANDS
from rooftree_operator.adapters.s3 import Standing
from rooftree_operator.api.brokerage import BrokerageSpec, Suspend, SuspensionReason, Topology
from rooftree_operator.api.plan import BrokeragePlanSpec
from rooftree_operator.api.scaling import Scaling, ScalingMode
from rooftree_operator.conditions import State
from rooftree_operator.drift import Object, stamped
from rooftree_operator.generations import Logins
from rooftree_operator.names import Slot, TenantId
from rooftree_operator.provisioners import (
    autoscaling,
    cache,
    certificates,
    credentials,
    database,
    disruption,
    former_modules,
    migrations,
    modules,
    namespace,
    policies,
    route,
    search,
    sleep,
    storage,
    suspension,
    topics,
    workload,
)
from rooftree_operator.release import parsed
from rooftree_operator.serving import Reading
from rooftree_operator.sleeping import Sleep, Stage
from rooftree_operator.tenant import Tenant

from .world import CA, PLATFORM, manifest

GOLDENS = Path(__file__).parent / "goldens"
TENANT = Tenant(
    id=TenantId("acme-0a1b2c3d"),
    uid="u",
    generation=1,
    spec=BrokerageSpec.model_validate(
        {"displayName": "Acme Realty", "owner": {"email": "o@acme.example", "name": "Olivia"}}
    ),
    plan=BrokeragePlanSpec.model_validate({"displayName": "Starter", "replicas": {"min": 2, "max": 3}}),
    release=parsed("1.0.0", "localhost/rooftree-tenant:1.0.0", manifest("1.0.0", {"identity": "i1"})),
    platform=PLATFORM,
)
BY_CPU = replace(TENANT, spec=TENANT.spec.model_copy(update={"autoscaling": Scaling(mode=ScalingMode.HPA)}))
# The same with a Deployment for each module.
APART = replace(
    TENANT,
    spec=TENANT.spec.model_copy(update={"topology": Topology.MICROSERVICES}),
    plan=BrokeragePlanSpec.model_validate(
        {"displayName": "Large", "replicas": {"min": 2, "max": 3}, "database": {"connections": 60}}
    ),
)
CLOSED = replace(
    TENANT,
    spec=TENANT.spec.model_copy(
        update={"suspend": Suspend(reason=SuspensionReason.BILLING, message="Back on Monday, 8 o'clock")}
    ),
)
ASLEEP = replace(APART, sleep=Sleep(Stage.ASLEEP, "2026-11-24T12:00:00.000Z", "nobody uses it"))
LOGINS = Logins({Slot.A: "secret-app"})
CONNECT = (f"{TENANT.id}.app", f"{TENANT.id}.migrator")
DIGEST = Reading("digest")
NOBODY: Any = None  # plans are pure: they never touch an adapter


def accepted(built: Object) -> Object:
    """A route as the edge has accepted it."""
    told = [{"type": type_, "status": "True", "reason": type_, "observedGeneration": 1} for type_ in ACCEPTED]
    return {**built, "metadata": {**built["metadata"], "generation": 1}, "status": {"parents": [{"conditions": told}]}}


def rolled_out(replicas: int, status: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": "app", "generation": 2}, "spec": {"replicas": replicas}, "status": status}


LEFT = ((POLICY, "identity"), (BUDGET, "identity"), (SECRET, "rpc-identity"), (SECRET, "rpc-ca"))
ACCEPTED = ("Accepted", "ResolvedRefs")
SHOWN = accepted(routing.build_route(CLOSED))


def plans() -> dict[str, Any]:
    """Each provisioner's plan for a tenant of which nothing is there yet."""
    app, migrator = Logins({Slot.A: "secret-app"}), Logins({Slot.A: "secret-migrator"})
    template = database.DatabaseSeen("operator", "", True, True, False, frozenset(), False)
    secrets: dict[str, Any] = {"app": None, "migrator": None}
    access = {Slot.A: AccessSeen(None, {}, frozenset(), {})}
    return {
        "namespace": namespace.Namespace(NOBODY).plan(TENANT, namespace.Seen()),
        "credentials": credentials.Credentials(NOBODY, CA).plan(TENANT, credentials.Seen(secrets, None, ())),
        "database": database.Database(NOBODY, NOBODY).plan(
            TENANT, database.Seen(app, migrator, {}, None, template, ())
        ),
        "topics": topics.Topics(NOBODY, NOBODY).plan(TENANT, topics.Seen(app, access, False)),
        "search": search.Search(NOBODY, NOBODY).plan(TENANT, search.Seen(app, None, {Slot.A: None}, None, False)),
        "cache": cache.Cache(NOBODY, NOBODY).plan(TENANT, cache.Seen(app, COMMANDS, {Slot.A: None}, False)),
        "storage": storage.Storage(NOBODY, NOBODY).plan(
            TENANT, storage.Seen(app, {Slot.A: Standing.NONE}, None, False)
        ),
        "migrations": migrations.Migrations(NOBODY, NOBODY).plan(TENANT, migrations.Seen(frozenset(), None)),
        "workload": workload.Workload(NOBODY).plan(TENANT, workload.Seen(DIGEST, None, None)),
        "policies": policies.Policies(NOBODY).plan(TENANT, policies.Seen(None, None)),
        "autoscaling": autoscaling.Autoscaling(NOBODY).plan(BY_CPU, autoscaling.Seen(None, 2)),
        "certificates": certificates.Certificates(NOBODY, NOBODY).plan(APART, certificates.Seen({}, frozenset())),
        "modules": modules.Modules(NOBODY).plan(
            APART, modules.Seen(None, {"identity": Reading("digest-i"), "property": Reading("digest-p")}, {}, {})
        ),
        "workload-microservices": workload.Workload(NOBODY).plan(APART, workload.Seen(DIGEST, None, None)),
        "policies-microservices": policies.Policies(NOBODY).plan(APART, policies.Seen(None, None)),
        "disruption": disruption.Disruption(NOBODY).plan(TENANT, [None]),
        "former-modules": former_modules.FormerModules(NOBODY).plan(TENANT, former_modules.Seen(left=LEFT)),
        "route": route.Route(NOBODY, PLATFORM.namespace).plan(TENANT, route.Seen(None, ())),
        "route-suspended": route.Route(NOBODY, PLATFORM.namespace).plan(
            CLOSED, route.Seen(None, (), stamped(routing.build_grant(CLOSED)))
        ),
        "route-asleep": route.Route(NOBODY, PLATFORM.namespace).plan(
            ASLEEP, route.Seen(None, (), stamped(routing.build_grant(ASLEEP)))
        ),
        "workload-asleep": workload.Workload(NOBODY).plan(ASLEEP, workload.Seen(DIGEST, rolled_out(0, {}), None)),
        "sleep": sleep.Slumber(NOBODY, NOBODY).plan(ASLEEP, sleep.Seen(None, (rolled_out(2, {}),))),
        "workload-suspended": workload.Workload(NOBODY).plan(CLOSED, workload.Seen(DIGEST, None, None)),
        "suspension": suspension.Suspension(NOBODY).plan(CLOSED, suspension.Seen(SHOWN, (rolled_out(2, {}),), 2)),
    }


@pytest.mark.parametrize("name", sorted(plans()))
def test_the_plan_is_as_recorded(name: str) -> None:
    plan = plans()[name]
    text = yaml.safe_dump(
        {
            "verdict": [plan.verdict.state.value, plan.verdict.reason, plan.verdict.message],
            "actions": [repr(action) for action in plan.actions],
            "objects": list(plan.objects),
            **({"also": [f"{one.condition} {one.reason}: {one.message}" for one in plan.also]} if plan.also else {}),
        },
        sort_keys=False,
        width=120,
    )
    golden = GOLDENS / f"{name}.yaml"
    if os.environ.get("ROOFTREE_GOLDENS") == "write":
        golden.write_text(text)
    assert text == golden.read_text()


def test_no_object_ever_contains_replicas() -> None:
    assert not any("replicas" in item.get("spec", {}) for plan in plans().values() for item in plan.objects)


def test_no_plan_shows_a_password() -> None:
    assert "secret-app" not in repr(plans())


def test_a_new_tenant_waits_for_a_template_that_is_not_sealed_yet() -> None:
    unsealed = database.DatabaseSeen("operator", "", True, False, False, frozenset(), False)
    for template in (None, unsealed):
        plan = database.Database(NOBODY, NOBODY).plan(TENANT, database.Seen(LOGINS, LOGINS, {}, None, template, ()))
        assert (plan.verdict.state, plan.verdict.reason) == (State.WAITING, "TemplateNotReady")
        assert not any(isinstance(action, database.CreateDatabase) for action in plan.actions)


def test_a_template_that_cannot_be_made_is_said_with_who_must_act() -> None:
    seen = database.Seen(LOGINS, LOGINS, {}, None, None, (), "BackoffLimitExceeded")
    verdict = database.Database(NOBODY, NOBODY).plan(TENANT, seen).verdict
    assert (verdict.state, verdict.reason) == (State.BLOCKED, "TemplateFailed")
    assert "a platform admin must read the logs of job rooftree-system/template-" in verdict.message


def test_a_database_that_an_interrupted_drop_left_is_dropped_and_made_again() -> None:
    broken = database.DatabaseSeen(f"{TENANT.id}.owner", "", False, False, False, frozenset(), False)
    template = database.DatabaseSeen("operator", "", True, True, False, frozenset(), False)
    plan = database.Database(NOBODY, NOBODY).plan(TENANT, database.Seen(LOGINS, LOGINS, {}, broken, template, ()))
    kinds = [type(action) for action in plan.actions]
    assert kinds.index(database.DropDatabase) < kinds.index(database.CreateDatabase)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"public_can_connect": True}, [database.Secure(CONNECT)]),
        ({"comment": ""}, [database.Secure(CONNECT)]),
        ({"can_connect": frozenset({f"{TENANT.id}.app"})}, [database.Secure(CONNECT)]),
        ({"foreign_objects": True}, [database.Adopt(), database.GrantSchemas(None)]),
        ({}, []),
    ],
    ids=["public", "unmarked", "connect", "template-objects", "as-wanted"],
)
def test_each_drift_of_a_database_has_its_own_repair(change: dict[str, Any], expected: list[Any]) -> None:
    good: dict[str, Any] = {
        "owner": f"{TENANT.id}.owner",
        "comment": f"rooftree.dev/tenant={TENANT.id}",
        "usable": True,
        "is_template": False,
        "public_can_connect": False,
        "can_connect": frozenset({f"{TENANT.id}.app", f"{TENANT.id}.migrator"}),
        "foreign_objects": False,
    }
    seen = database.Seen(LOGINS, LOGINS, {}, database.DatabaseSeen(**{**good, **change}), None, ())
    assert database.plan_existing(TENANT, seen) == expected


STUCK = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]


def counts(generation: int, replicas: int, updated: int, available: int) -> dict[str, Any]:
    names = ("observedGeneration", "replicas", "updatedReplicas", "availableReplicas")
    return dict(zip(names, (generation, replicas, updated, available), strict=True))


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        ({}, State.WAITING, "RollingOut"),
        (
            counts(1, 2, 2, 2),
            State.WAITING,
            "RollingOut",
        ),
        (
            counts(2, 3, 2, 3),
            State.WAITING,
            "RollingOut",
        ),
        (
            counts(2, 2, 2, 2),
            State.DONE,
            "Available",
        ),
        (
            {**counts(2, 3, 1, 2), "conditions": STUCK},
            State.BLOCKED,
            "RolloutStuck",
        ),
        (
            {**counts(1, 3, 1, 2), "conditions": STUCK},
            State.WAITING,
            "RollingOut",
        ),
        (
            {
                **counts(2, 3, 1, 2),
                "conditions": [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}],
            },
            State.BLOCKED,
            "PodsRefused",
        ),
    ],
    ids=["nothing", "old-generation", "old-pods-left", "done", "stuck", "was-stuck-before-the-change", "quota"],
)
def test_a_rollout_is_done_only_when_all_pods_are_new_and_available(
    status: dict[str, Any], state: State, reason: str
) -> None:
    verdict = serving.rollout(TENANT, rolled_out(2, status))
    assert (verdict.state, verdict.reason) == (state, reason)


@pytest.mark.parametrize(
    ("available", "state"), [(2, State.DONE), (1, State.WAITING)], ids=["enough", "fewer-than-the-plan-s-least"]
)
def test_pods_that_the_autoscaler_adds_do_not_take_a_brokerage_that_answers_back(available: int, state: State) -> None:
    for updated in (2, 3):
        status = counts(2, updated, updated, available)
        verdict = serving.rollout(TENANT, rolled_out(3, status))
        assert verdict.state is state
        assert verdict.message.startswith(f"{available} of 3 pods")


def test_a_release_without_topics_has_a_user_and_nothing_to_probe() -> None:
    place = replace(TENANT, release=replace(TENANT.release, topics=()))
    access = {Slot.A: AccessSeen(None, {}, frozenset(), {})}
    plan = topics.Topics(NOBODY, NOBODY).plan(place, topics.Seen(LOGINS, access, False))
    assert [type(action) for action in plan.actions] == [topics.SetCredential, topics.Allow, topics.SetQuotas]
    assert (plan.verdict.state, plan.verdict.message) == (State.DONE, "This release has no topics.")


def test_a_failed_migration_says_who_must_act_and_where() -> None:
    job = {"status": {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}}
    plan = migrations.Migrations(NOBODY, NOBODY).plan(TENANT, migrations.Seen(frozenset(), job))
    assert (plan.verdict.state, plan.verdict.reason) == (State.BLOCKED, "MigrationFailed")
    assert "a platform admin must read the logs of job tenant-acme-0a1b2c3d/migrate-" in plan.verdict.message
    assert plan.objects == ()


def test_serving_pods_alone_are_told_of_a_standby_and_only_where_there_is_one() -> None:
    there = replace(TENANT, platform=replace(PLATFORM, postgres_standby_host="10.0.0.11", postgres_standby_port=5433))
    told = {"ROOFTREE_DATABASE_STANDBY_HOST": "10.0.0.11", "ROOFTREE_DATABASE_STANDBY_PORT": "5433"}
    assert pods.app_values(there, Slot.A) == pods.app_values(TENANT, Slot.A) | told
    assert not told.keys() & pods.app_values(TENANT, Slot.A).keys()
    values = pods.database_values(PLATFORM, "database", "migrator")
    assert pods.database_values(there.platform, "database", "migrator") == values
