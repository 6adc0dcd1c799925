"""Each backend killed and hung under load: what does not need it goes on, the rest is refused in time, all recovers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import httpx2
import psycopg
import pytest

from ..conftest import required, until
from .conftest import FAULT_SECONDS
from .load import Client, Load, show
from .trial import ANSWER_SECONDS, CALM_SECONDS, RECOVERY_SECONDS, Judgement, Trial, all_good, pause

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..components import Components
    from .view import Site

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(700, func_only=True), pytest.mark.usefixtures("no_fault_stays")]
thorough = pytest.mark.thorough
BACK_SECONDS = 300
TRIALS = (
    pytest.param("postgres", "hangs"),
    pytest.param("postgres", "is killed"),
    pytest.param("kafka", "hangs"),
    pytest.param("kafka", "is killed", marks=thorough),
    pytest.param("elasticsearch", "hangs"),
    pytest.param("elasticsearch", "is killed", marks=thorough),
    pytest.param("redis", "hangs", marks=thorough),
    pytest.param("redis", "is killed"),
    pytest.param("s3", "hangs", marks=thorough),
    pytest.param("s3", "is killed", marks=thorough),
    pytest.param("mail", "hangs", marks=thorough),
    pytest.param("mail", "is killed"),
)


@pytest.mark.parametrize(("component", "how"), TRIALS)
def test_while_a_backend_is_away_all_else_goes_on_and_afterwards_everything(
    site: Site, components: Components, figure: Callable[..., None], component: str, how: str
) -> None:
    visitor, before, told = site.arrive(), site.pods(), ""
    with Load(Client(site.tenant.url), visitor.lines()) as load:
        trial = Trial(load)
        pause(CALM_SECONDS)
        all_good(load.answers)
        trial.begins()
        if how == "hangs":
            components.stop(component)
        else:
            components.kill(component)
        if component == "mail":
            told = site.publish_alert()
        trial.lasts(FAULT_SECONDS / 2)
        site.change_listing()
        trial.lasts(FAULT_SECONDS)
        if how == "hangs":
            components.go_on()
        else:
            components.start(component)
            until(f"{component} to answer", lambda: answers(component), seconds=BACK_SECONDS, every=0.05)
        trial.is_back()
        site.forget_hits()
        trial.recovers(checks(site, trial, told))
    judged = Judgement.of(trial, component)
    after = site.pods()
    figure(
        f"{component} {how}",
        **judged.figures(trial),
        pods_disturbed=sum(after.get(n, p) != p for n, p in before.items()),
    )
    assert not judged.unneeded, show(judged.unneeded)
    assert not judged.improper, show(judged.improper)
    assert judged.slowest.seconds <= ANSWER_SECONDS, show([judged.slowest])
    assert max(trial.recovered, judged.last_bad) - trial.back <= RECOVERY_SECONDS, trial.marks
    # No restart, and ready all the time: backends are shared, so a pod that leaves helps nobody.
    # The autoscaler may have added one or taken one away.
    both = before.keys() & after.keys()
    assert {name: after[name] for name in both} == {name: before[name] for name in both} != {}
    if component == "postgres":
        assert judged.refused >= FAULT_SECONDS, "nothing was refused: was the database away?"


def checks(site: Site, trial: Trial, told: str) -> dict[str, Callable[[], object]]:
    """What has to be so again."""

    def fed() -> bool:
        site.run_feed()
        return site.feed_finished(trial.back_at)

    found: dict[str, Callable[[], object]] = {
        "feed": fed,
        "outbox": lambda: site.unsent() == 0,
        "search": site.searched,
        "cache": site.cache_is_used,
        "ready": lambda: all(pod["ready"] for pod in site.pods().values()),
    }
    return {**found, "mail": lambda: site.mailed(told)} if told else found


def answers(component: str) -> bool:
    """Whether its administrator can use it; for the others their readiness says so."""
    try:
        match component:
            case "postgres":
                psycopg.connect(required("ROOFTREE_TEST_POSTGRES"), connect_timeout=2).close()
            case "elasticsearch":
                login = tuple(required(f"ROOFTREE_TEST_ELASTICSEARCH_{part}") for part in ("USER", "PASSWORD"))
                address = f"{required('ROOFTREE_TEST_ELASTICSEARCH_URL')}/_cluster/health"
                answer = httpx2.get(address, auth=login, verify=os.environ["ROOFTREE_CA_FILE"], timeout=2)  # type: ignore[arg-type]
                return answer.status_code == 200 and answer.json()["status"] != "red"
            case _:
                pass
    except (psycopg.OperationalError, httpx2.HTTPError):
        return False
    return True
