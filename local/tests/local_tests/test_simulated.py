"""The stack whose pods are simulated."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from rooftree_local import kubectl, paths, pipeline, tools
from rooftree_local.paths import Stack
from rooftree_local.pipeline import Only
from rooftree_local.steps import Work

from .test_steps import Recorder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def names() -> list[str]:
    return [step.name for step in pipeline.steps(Stack("bench"), Only.SIMULATED)]


def test_it_has_the_platform_and_all_backends_and_builds_no_image(names: list[str]) -> None:
    order = [
        names.index(name)
        for name in ("components", "simulated nodes", "definitions", "plans", "slow components", "platform")
    ]
    assert order == sorted(order)
    assert {"postgres roles", "elasticsearch programs", "kafka programs", "versitygw"} <= set(names)
    assert not [name for name in names if "image" in name or "wheels" in name]


def test_it_has_no_brokerage_and_no_door_of_the_development_stack(names: list[str]) -> None:
    assert not {"brokerage acme", "forwarder", "alert rules"} & set(names)


STAGES = {
    "node/fast": ["kustomization", "node-initialize"],
    "node/heartbeat-with-lease": ["kustomization", "node-heartbeat-with-lease"],
    "pod/fast": ["kustomization", "pod-complete", "pod-delete", "pod-ready"],
    "pod/chaos": ["pod-init-container-running-failed"],
}


class Modules(Work):
    """A module of KWOK's in place of the proxy's."""

    def command(self, argv: Any, **_: Any) -> str:
        assert argv[:4] == ["go", "mod", "download", "-json"]
        return json.dumps({"Dir": str(self.log.parent / "module")})


def test_the_stages_are_kwoks_own_for_nodes_and_pods_that_come_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, files in STAGES.items():
        for name in files:
            file = tmp_path / "module" / "kustomize" / "stage" / folder / f"{name}.yaml"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"kind: Stage\nname: {name}\n")
    monkeypatch.setattr(paths, "cached", lambda *parts: tmp_path.joinpath(parts[-1]))
    tools.fetch_kwok_stages(Modules(tmp_path / "log", Recorder()))
    stages = yaml.safe_load_all(tools.kwok_stages().read_text())
    assert sorted(stage["name"] for stage in stages) == [
        "node-heartbeat-with-lease",
        "node-initialize",
        "pod-complete",
        "pod-delete",
        "pod-ready",
    ]


def test_every_node_that_is_made_is_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    applied: list[str] = []
    monkeypatch.setattr(kubectl, "apply", lambda _target, _work, content: applied.append(content))
    monkeypatch.setattr(kubectl, "argv", lambda _target, *words: list(words))

    class Heard(Work):
        def command(self, argv: Any, **_: Any) -> str:
            applied.append(" ".join(argv))
            return ""

    kubectl.simulate_nodes(Stack("bench"), Heard(tmp_path / "log", Recorder()))
    made = [item["metadata"]["name"] for item in json.loads(applied[0])["items"]]
    assert len(made) == kubectl.SIMULATED_NODES
    assert all(f"node/{name}" in applied[1] for name in made)
