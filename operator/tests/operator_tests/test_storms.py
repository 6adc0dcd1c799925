"""Children that change without end: still looked at, and in nobody's way."""

from prometheus_client import REGISTRY
from rooftree_operator.adapters.kubernetes import EVENT
from rooftree_operator.handlers import Intake
from rooftree_operator.storms import BURST, Storms
from rooftree_operator.workqueue import Priority, WorkQueue

from .running import operator
from .world import World, brokerage

SECONDS = 60


class Weather:
    """A queue and a worker as quick as it gets, and an intake that children's events blow into."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.queue = WorkQueue(lambda: self.now, jitter=lambda: 1.0)
        self.storms = Storms(lambda: self.now)
        self.intake = Intake(self.queue, self.storms)
        self.looks: list[tuple[float, str, Priority]] = []

    def blow(self, tenant: str = "acme") -> None:
        metadata = {"uid": "u", "name": "app", "labels": {"rooftree.dev/brokerage": tenant}}
        self.intake.child({"type": "MODIFIED", "object": {"kind": "Deployment", "metadata": metadata}})

    def work(self) -> None:
        while (key := self.queue.pop()) is not None:
            self.looks.append((self.now, key, self.queue.priority(key)))
            self.queue.done(key)
            self.queue.add(key, Priority.RESYNC, after=50.0)

    def rage(self, seconds: float, tenant: str = "acme") -> None:
        """Twenty changes a second, each of which would be a look of its own."""
        for _ in range(int(seconds * 20)):
            self.now += 0.05
            self.blow(tenant)
            self.work()


def storms_counted() -> float:
    return REGISTRY.get_sample_value("rooftree_operator_storms_total") or 0.0


def test_a_storm_has_its_burst_and_then_one_look_a_second_behind_everybody_else() -> None:
    weather, before = Weather(), storms_counted()
    weather.rage(SECONDS)
    assert BURST + SECONDS - 6 <= len(weather.looks) <= BURST + SECONDS + 1
    late = [priority for moment, _, priority in weather.looks if moment > 1010]
    assert set(late) == {Priority.RESYNC}
    assert storms_counted() - before == 1


def test_the_last_change_of_a_storm_is_looked_at_within_a_second_or_two() -> None:
    weather = Weather()
    weather.rage(SECONDS)
    weather.blow()
    last = weather.now
    for _ in range(40):
        weather.now += 0.05
        weather.work()
    assert any(last <= moment <= last + 1.1 for moment, _, _ in weather.looks)


def test_an_edit_in_a_storm_and_the_children_of_another_tenant_are_looked_at_at_once() -> None:
    weather = Weather()
    weather.rage(SECONDS)
    weather.looks.clear()
    weather.queue.add("tenant/acme", Priority.EDIT)
    weather.blow("other")
    weather.work()
    assert weather.looks == [
        (weather.now, "tenant/acme", Priority.EDIT),
        (weather.now, "tenant/other", Priority.CHILD),
    ]


def test_changes_that_come_while_the_tenant_waits_already_are_one_look_and_cost_one() -> None:
    weather = Weather()
    for _ in range(1000):
        weather.blow()
    weather.work()
    assert len(weather.looks) == 1
    assert weather.storms.wait("tenant/acme") == 0.0


def test_a_storm_is_told_once_and_the_next_one_after_a_calm_again() -> None:
    weather = Weather()
    weather.rage(SECONDS)
    notice = weather.storms.news("tenant/acme")
    assert notice is not None
    assert (notice.kind, notice.reason) == ("Warning", "ChildrenStorm")
    assert notice.message.startswith("Deployment app ")
    weather.rage(SECONDS)
    assert weather.storms.news("tenant/acme") is None
    weather.now += BURST + 2
    weather.rage(SECONDS)
    assert weather.storms.news("tenant/acme") is not None


def test_a_brokerage_that_is_gone_leaves_nothing_behind() -> None:
    weather = Weather()
    weather.rage(SECONDS)
    weather.intake.brokerage({"type": "DELETED", "object": {"metadata": {"name": "acme"}}})
    assert weather.storms.news("tenant/acme") is None
    assert weather.storms.wait("tenant/acme") == 0.0


async def test_a_storm_is_an_event_on_the_brokerage_that_its_next_pass_writes_once() -> None:
    world, weather = World(), Weather()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme"))
    await world.converge("acme")
    weather.rage(SECONDS)
    running = operator(world, queue=weather.queue, storms=weather.storms)
    for _ in range(2):
        await running._dispatch("tenant", "acme")
    found = [item for key, item in world.kube.objects.items() if key[0] == EVENT.kind]
    assert [item["reason"] for item in found].count("ChildrenStorm") == 1
