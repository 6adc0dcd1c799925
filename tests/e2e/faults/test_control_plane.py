"""Kubernetes' control plane away for a while: brokerages answer as if nothing were; afterwards the operator goes on."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from .conftest import FAULT_SECONDS
from .load import Client, Load, show
from .trial import CALM_SECONDS, Judgement, Trial, all_good, pause

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..components import Components
    from ..conftest import Kubectl
    from .view import Site

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400, func_only=True), pytest.mark.usefixtures("no_fault_stays")]
PARTS = ("scheduler", "controller-manager", "apiserver", "etcd")
REQUESTS_PER_SECOND = 10
# What the control plane finds out late must do no harm either: a node is called lost after 40 to 50 s.
AFTERWARDS_SECONDS = 15.0


@pytest.mark.parametrize("how", [pytest.param("hangs", marks=pytest.mark.thorough), "is killed"])
def test_without_a_control_plane_brokerages_answer_and_then_the_operator_goes_on(
    site: Site, components: Components, kubectl: Kubectl, figure: Callable[..., None], how: str
) -> None:
    visitor, before = site.arrive(), site.pods()
    with Load(Client(site.tenant.url), visitor.lines()) as load:
        trial = Trial(load)
        pause(CALM_SECONDS)
        all_good(load.answers)
        trial.begins()
        if how == "hangs":
            components.stop(*PARTS)
        else:
            components.kill(*PARTS)
        trial.lasts(FAULT_SECONDS)
        during = [one for one in load.answers if one.began >= trial.began]
        if how == "hangs":
            components.go_on()
        else:
            components.start(*PARTS)
        trial.is_back()
        trial.recovers({"operator": Repair(kubectl, site).is_done})
        pause(AFTERWARDS_SECONDS)
    judged = Judgement.of(trial, "control plane")
    figure(f"control plane {how}", requests_while_away=len(during), **judged.figures(trial))
    assert len(during) >= REQUESTS_PER_SECOND * FAULT_SECONDS
    assert not judged.unneeded, show(judged.unneeded)
    assert {name: pod["restarts"] for name, pod in site.pods().items()} == {
        name: pod["restarts"] for name, pod in before.items()
    }


class Repair:
    """Takes something away from the brokerage, once that can be done, and looks whether the operator puts it back."""

    def __init__(self, kubectl: Kubectl, site: Site) -> None:
        self._kubectl, self._site, self._is_taken = kubectl, site, False

    def is_done(self) -> bool:
        budget = ("poddisruptionbudget", "app", "-n", self._site.tenant.namespace)
        if not self._is_taken:
            if self._kubectl.run("delete", *budget, "--request-timeout=2s", code=None).returncode:
                return False
            look = f"test.rooftree.dev/look={secrets.token_hex(4)}"
            self._kubectl.run("annotate", "brokerage", self._site.tenant.name, look, "--overwrite")
            self._is_taken = True
        return self._kubectl.exists(*budget)
