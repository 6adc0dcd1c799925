"""The pipeline is such as GitLab takes it, proves what `make test` proves, and calls make's targets only."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from delivery import pipeline

ROOT = pipeline.ROOT
TEXT = (ROOT / pipeline.FILE).read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
# The stages in which a change is proven; those after them deliver it.
PROVING = ["check", "unit", "web", "integration", "e2e", "local"]
STAGES = ["dev", "staging", "production"]


@pytest.fixture(scope="module")
def parsed() -> pipeline.Pipeline:
    return pipeline.load()


def changed(old: str, new: str) -> pipeline.Pipeline:
    assert old in TEXT
    return pipeline.parse(TEXT.replace(old, new, 1))


def proven_by_make() -> set[str]:
    """What `make test` runs: its prerequisites and the targets that its recipe calls."""
    rule = re.search(r"^test:(.*?)##.*\n((?:\t.*\n)*)", MAKEFILE, re.M)
    assert rule
    return {*rule[1].split(), *re.findall(r"\$\(MAKE\) .*?([a-z0-9-]+)$", rule[2], re.M)}


def test_it_is_of_the_shape_that_gitlab_publishes() -> None:
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci"]
    done = subprocess.run(
        [*words, "--data-transform", "gitlab-ci", str(ROOT / pipeline.FILE)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_stage_need_and_script_is_there(parsed: pipeline.Pipeline) -> None:
    assert pipeline.findings(parsed) == []


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("local, build, publish", "build, publish", "test-local: there is no stage local"),
        ("needs: [push]", "needs: [pusch]", "deploy-dev: needs pusch, which is no job"),
        ("needs: [check]", "needs: [push]", "images: needs push of a later stage"),
        ("needs: [push]", "needs: [rollback-dev]", "jobs need each other: deploy-dev → rollback-dev"),
        ("  script:\n  - make licences\n", "", "licences: has no script"),
        ("[check, unit,", "[check, lint, unit,", "stage lint has no job"),
    ],
)
def test_a_mistake_is_found(old: str, new: str, finding: str) -> None:
    assert finding in pipeline.findings(changed(old, new))


@pytest.mark.parametrize(
    ("old", "new"), [("extends: .deploy", "extends: .deplay"), (".light:\n", ".light:\n  extends: .heavy\n")]
)
def test_what_a_job_extends_must_be_there_and_end(old: str, new: str) -> None:
    text = TEXT.replace(old, new, 1)
    if "heavy" in new:
        text = text.replace(".heavy:\n", ".heavy:\n  extends: .light\n", 1)
    with pytest.raises(ValueError, match="extends"):
        pipeline.parse(text)


def test_it_proves_what_make_test_proves_and_nothing_else(parsed: pipeline.Pipeline) -> None:
    proving = {name: job for name, job in parsed.jobs.items() if job["stage"] in PROVING}
    assert proving.keys() == proven_by_make()
    for name, job in proving.items():
        assert job["script"] == [f"make {name}"]
        # All of them, everywhere: no rule takes a job out of a merge request or a tag.
        assert "rules" not in job
        assert "allow_failure" not in job
    assert parsed.stages[: len(PROVING)] == PROVING


def test_what_lands_is_make_test() -> None:
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "make test"


def test_jobs_call_targets_that_are_there(parsed: pipeline.Pipeline) -> None:
    known = set(re.findall(r"^([a-z][a-z0-9-]*):", MAKEFILE, re.M))
    for name, job in parsed.jobs.items():
        called = pipeline.targets(job)
        assert called, f"{name} calls no target"
        assert set(called) <= known, name
        assert all(line.startswith(("make ", "printf ")) for line in job["script"]), name


def test_nothing_is_delivered_before_everything_has_passed_and_production_waits_for_a_hand(
    parsed: pipeline.Pipeline,
) -> None:
    jobs = parsed.jobs
    assert pipeline.needs(jobs["push"]) is None
    chain = ["push", *(f"deploy-{stage}" for stage in STAGES)]
    for before, after in itertools.pairwise(chain):
        assert pipeline.needs(jobs[after]) == [before]
    assert all(
        rule["when"] == "manual" and rule["allow_failure"] is False for rule in jobs["deploy-production"]["rules"]
    )
    assert not any("when" in rule for name in ("deploy-dev", "deploy-staging") for rule in jobs[name]["rules"])
    for stage in STAGES:
        assert all(rule["when"] == "manual" for rule in jobs[f"rollback-{stage}"]["rules"])


def test_a_merge_request_delivers_nothing_and_no_delivery_is_broken_off(parsed: pipeline.Pipeline) -> None:
    for name, job in parsed.jobs.items():
        if job["stage"] in {"publish", *STAGES}:
            assert [rule["if"] for rule in job["rules"]] == [
                "$CI_COMMIT_TAG",
                "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH",
            ]
            assert job["interruptible"] is False, name
        else:
            assert job["interruptible"] is True, name


def test_every_stage_of_delivery_has_one_deployment_at_a_time(parsed: pipeline.Pipeline) -> None:
    for stage in STAGES:
        job = parsed.jobs[f"deploy-{stage}"]
        variables = job["variables"]
        assert variables == {"STAGE": stage}
        assert job["environment"] == {"name": "$STAGE"}
        assert job["resource_group"] == "$STAGE"
        assert (ROOT / "charts" / "rooftree" / "stages" / f"{stage}.yaml").is_file()


def test_caches_are_kept_by_files_that_are_there_and_ignored_by_git(parsed: pipeline.Pipeline) -> None:
    caches: list[dict[str, Any]] = [cache for job in parsed.jobs.values() for cache in job.get("cache", [])]
    assert caches
    for cache in caches:
        for pattern in cache["key"]["files"]:
            assert list(ROOT.glob(pattern)), pattern
        assert all(path.startswith(".cache/") for path in cache["paths"])
    paths = [".cache/x", "reports/x.xml", ".local/sbom/x.json", ".local/chart/x.tgz"]
    ignored = subprocess.run(["git", "-C", ROOT, "check-ignore", *paths], capture_output=True, text=True, check=False)
    assert ignored.stdout.split() == paths


def test_no_host_of_a_registry_and_no_secret_is_written_down() -> None:
    assert not re.search(r"\b(?:[a-z0-9-]+\.)+(?:io|com|org|net|dev)\b", TEXT)
    for stage in STAGES:
        values = yaml.safe_load((ROOT / "charts/rooftree/stages" / f"{stage}.yaml").read_text())
        assert not {"image", "release", "channels"} & values.keys()
    for text in [TEXT, *(file.read_text() for file in (ROOT / "charts/rooftree/stages").glob("*.yaml"))]:
        assert not re.search(r"(?i)(password|token|secret)\s*:\s*['\"]?[A-Za-z0-9+/=_-]{16,}", text)
    used = set(re.findall(r"\$\{?(CI_[A-Z_]+)", TEXT))
    assert {name for name in used if "REGISTRY" in name} == {
        "CI_REGISTRY",
        "CI_REGISTRY_IMAGE",
        "CI_REGISTRY_PASSWORD",
        "CI_REGISTRY_USER",
    }


def test_a_job_runs_here_as_gitlab_runs_it(parsed: pipeline.Pipeline, tmp_path: Path) -> None:
    example = pipeline.Pipeline(
        ["check"],
        {"WHERE": "$CI_PROJECT_DIR/.cache", "WHO": "all"},
        {
            "look": {
                "before_script": ["cd ."],
                "script": ['echo "$WHERE $WHO"', "false | true", "echo never"],
                "variables": {"WHO": "me"},
            }
        },
    )
    variables = pipeline.environment(example, "look", tmp_path)
    done = subprocess.run(
        ["bash", "-c", pipeline.script(example, "look")], env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"{tmp_path}/.cache me" in done.stdout
    assert "never\n" not in done.stdout
    assert pipeline.environment(parsed, "check", tmp_path)["PYTEST_ADDOPTS"] == "--junitxml=reports/check.xml"


def test_yaml_is_read_once_only_by_a_loader_that_runs_nothing() -> None:
    with pytest.raises(yaml.YAMLError):
        pipeline.parse("stages: !!python/object/apply:os.getcwd []")
