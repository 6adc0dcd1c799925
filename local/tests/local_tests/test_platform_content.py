"""What is put into the cluster, and how it is named."""

from __future__ import annotations

import base64
import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from rooftree_local import (
    cgroups,
    environment,
    node,
    packages,
    paths,
    pipeline,
    postgres,
    release,
    sample,
    show,
    sources,
    tools,
)
from rooftree_local.addresses import STATE
from rooftree_local.paths import Stack

BROKERAGE = """
apiVersion: rooftree.dev/v1alpha1
kind: Brokerage
metadata: {name: acme}
spec: {mls: [{name: ames, credentialsSecretRef: {name: acme-mls}}]}
"""


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setattr(paths, "repository", lambda: tmp_path)
    return Stack("dev")


def decoded(secret: dict[str, dict[str, str]]) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


def test_a_feeds_credentials_bear_the_name_and_label_of_the_brokerage_that_names_them(target: Stack) -> None:
    (secret,) = sample.credentials(target, BROKERAGE)
    assert secret["metadata"]["name"] == "acme-mls"
    assert secret["metadata"]["namespace"] == "rooftree-system"
    assert secret["metadata"]["labels"] == {"rooftree.dev/brokerage": "acme"}
    assert decoded(secret) == sample.secret_values(target)


def test_a_sample_that_was_deleted_and_kept_is_had_back_and_a_new_one_gets_an_id_of_its_own() -> None:
    assert yaml.safe_load(sample.claiming(BROKERAGE, "acme-0a1b2c3d"))["spec"]["tenantID"] == "acme-0a1b2c3d"
    assert yaml.safe_load(sample.claiming(BROKERAGE, "")) == yaml.safe_load(BROKERAGE)


def test_generated_secrets_stay_the_same_and_only_their_owner_reads_them(target: Stack) -> None:
    first = sample.secret_values(target)
    assert sample.secret_values(target) == first
    assert len(first["client_secret"]) >= 32
    files = [path for path in target.state.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if path.stat().st_mode & 0o077] == []


def test_two_stacks_have_different_secrets(target: Stack) -> None:
    assert sample.secret_values(target)["client_secret"] != sample.secret_values(Stack("test"))["client_secret"]


def test_values_of_the_chart_pin_images_by_the_hash_of_their_sources() -> None:
    values = release.values("{}")
    assert re.fullmatch(r"localhost/rooftree-operator:0\.1\.0-dev\.[0-9a-f]{12}", values["image"]["operator"])
    assert values["release"]["image"].endswith(values["release"]["version"])
    assert values["channels"]["stable"] == values["release"]["version"]
    assert re.fullmatch(r"[a-z0-9A-Z._-]{1,63}", values["release"]["version"])


@pytest.mark.parametrize("volume", [{}, release.backups_volume()], ids=["bucket", "volume"])
def test_values_of_the_chart_are_such_as_its_schema_wants(volume: dict[str, Any]) -> None:
    chart = paths.repository() / release.CHART
    whole = yaml.safe_load((chart / "values.yaml").read_text())
    for key, value in {**release.values("{}"), "backups": {"volume": volume}}.items():
        whole[key] = {**whole[key], **value} if isinstance(value, dict) else value
    jsonschema.Draft7Validator(json.loads((chart / "values.schema.json").read_text())).validate(whole)


def test_the_folder_of_backups_is_the_pods_own_and_the_one_that_the_volume_names(
    target: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    owners: dict[str, tuple[int, int]] = {}
    monkeypatch.setattr(os, "chown", lambda path, user, group: owners.update({path.name: (user, group)}))
    target.state.mkdir(parents=True, exist_ok=True)
    release.make_backups_folder(target)
    release.make_backups_folder(target)
    folder = target.state / "backups"
    assert owners == {"backups": (10001, 10001)}
    assert folder.stat().st_mode & 0o7777 == 0o2771
    assert release.backups_volume() == {"hostPath": {"path": f"{STATE}/{folder.name}"}}
    assert folder.name in node.DISCARDED


def test_tenants_may_reach_the_backends_and_nothing_else_of_the_node() -> None:
    peers = release.network()["peers"]
    assert {target["ipBlock"]["cidr"] for peer in peers.values() for target in peer["to"]} == {"10.200.0.1/32"}
    ports = {port["port"] for peer in peers.values() for port in peer["ports"]}
    assert ports == {53, 2525, 4318, 5432, 6379, 7070, 9092, 9200}


def test_the_operator_gets_an_entrance_to_each_backend_and_no_two_passwords_are_equal(target: Stack) -> None:
    entrances = release.entrances(target)
    assert entrances.keys() == {"postgres", "kafka", "elasticsearch", "redis", "s3"}
    passwords = [entrance["password"] for entrance in entrances.values()]
    assert len({*passwords, postgres.superuser_password(target)}) == len(passwords) + 1


def test_objects_of_one_apply_are_one_list() -> None:
    listed = json.loads(release.as_list(release.namespace("a"), release.secret("s", "a", {"k": "v"})))
    assert [item["kind"] for item in listed["items"]] == ["Namespace", "Secret"]


@pytest.mark.parametrize("tool", tools.ALL, ids=lambda tool: tool.name)
def test_tools_are_kept_by_version_and_hash_of_their_pins(tool: tools.GoTool) -> None:
    assert re.fullmatch(rf"{tool.name}-v\d+\.\d+\.\d+-[0-9a-f]{{12}}", tool.key)
    assert "VERSION" not in tool.flags


@pytest.mark.parametrize("name", ["", "Dev", "a/b", "-x", "a" * 40])
def test_a_stacks_name_that_would_not_do_as_a_folder_or_cgroup_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="lower-case"):
        Stack(name)


def test_environment_of_a_stack_without_backends_has_no_dsn(target: Stack) -> None:
    assert set(environment.variables(target)) == {"ROOFTREE_STACK", "ROOFTREE_CA_FILE"}


def test_a_missing_package_is_named_with_the_command_that_installs_it() -> None:
    absent = packages.absent({"here": "sh", "not-here": "/no/such/file", "nor-here": "no-such-program"})
    assert absent == ["not-here", "nor-here"]
    assert packages.command(absent) == "apt-get install --yes --no-install-recommends not-here nor-here"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59.9, "59 s"), (61, "1 min 1 s"), (3600, "1 h"), (90061, "1 d 1 h")]
)
def test_spans_of_time_have_at_most_two_units(seconds: float, text: str) -> None:
    assert show.span(seconds) == text


@pytest.fixture
def hierarchy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like version 1 control groups."""
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    for name in ("cpuset", "memory"):
        (tmp_path / name).mkdir()
    (tmp_path / "memory-link").symlink_to("memory")
    return tmp_path


def test_control_groups_are_made_once_in_every_hierarchy_and_removed_deepest_first(hierarchy: Path) -> None:
    cgroups.create("rooftree-x")
    (hierarchy / "memory/rooftree-x/kubepods/pod1").mkdir(parents=True)
    assert cgroups.existing("rooftree-x") == [hierarchy / "cpuset/rooftree-x", hierarchy / "memory/rooftree-x"]
    assert cgroups.remove("rooftree-x") == []
    assert cgroups.existing("rooftree-x") == []


def test_a_control_group_that_is_in_use_is_told(hierarchy: Path) -> None:
    cgroups.create("rooftree-x")
    (hierarchy / "memory/rooftree-x/in-use").touch()  # as unremovable as a group with a process
    assert cgroups.remove("rooftree-x") == [hierarchy / "memory/rooftree-x"]


def test_every_image_is_of_trees_that_git_knows() -> None:
    assert {image.name for image in sources.IMAGES} == {"operator", "edge", "mls-feed", "tenant"}
    for image in sources.IMAGES:
        assert (paths.repository() / "requirements" / f"{image.requirements}.txt").is_file()


def test_an_image_says_what_it_is_and_bears_the_same_tag_in_every_registry() -> None:
    for image in sources.IMAGES:
        assert image.labels["org.opencontainers.image.title"] == f"rooftree-{image.name}"
        assert image.labels["org.opencontainers.image.version"] == image.version
        assert all(value for value in image.labels.values())
        assert image.at("registry.example/group") == f"registry.example/group/rooftree-{image.name}:{image.version}"


@pytest.mark.parametrize("part", pipeline.Part)
def test_a_part_is_built_without_a_stack(part: pipeline.Part) -> None:
    names = [step.name for step in pipeline.parts(part)]
    built = {
        pipeline.Part.CHARTS: {"helm", "gateway api"},
        pipeline.Part.IMAGES: {f"image {one.name}" for one in sources.IMAGES},
        pipeline.Part.API: {"oasdiff"},
    }
    assert built[part] <= set(names)
    assert not {"components", "node", "platform"} & set(names)
