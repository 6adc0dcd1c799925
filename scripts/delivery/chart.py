"""The chart of this checkout: its values for a stage, helm's lint, its package (`python -m delivery.chart`).

What the chart renders is judged by Kubernetes' own schemas (of `kubernetes-validate`) and by those of the custom
resource definitions: ours in crds/ and the Gateway API's. An unknown field is an error, as it is for the API server.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml
from rooftree_local import hashing, paths, sources, tools

from delivery import ROOT

CHART = ROOT / "charts" / "rooftree"
STAGES = ("dev", "staging", "production")
NAMESPACE = "rooftree-system"
PACKAGES = ROOT / ".local" / "chart"
# The oldest that Chart.yaml takes and the newest that there are schemas of.
KUBERNETES = ("1.31", "1.37")
# Definitions of the Prometheus operator, which are not ours to install; a test looks at what we render of them.
WITHOUT_SCHEMA = {"ServiceMonitor", "PodMonitor", "PrometheusRule"}


def helm() -> str:
    """The program: that of the PATH, or the one that the local stack has built."""
    found = shutil.which("helm") or str(tools.HELM.path)
    if not Path(found).exists():
        raise FileNotFoundError("helm is neither on PATH nor in the cache; `make chart-tools` builds it")
    return found


def stage_file(stage: str) -> Path:
    """The values of a stage."""
    if stage not in STAGES:
        raise ValueError(f"there is no stage {stage!r}; there are: {', '.join(STAGES)}")
    return CHART / "stages" / f"{stage}.yaml"


def release_values(registry: str, manifest: str) -> dict[str, Any]:
    """What the checkout itself says: its images in a registry, and the release that tenants run."""
    version = sources.TENANT.version
    return {
        "image": {"operator": sources.OPERATOR.at(registry), "edge": sources.EDGE.at(registry)},
        "release": {"version": version, "image": sources.TENANT.at(registry), "manifest": manifest},
        "channels": {"stable": version},
    }


def run_helm(*words: str, values: dict[str, Any] | None = None) -> str:
    """Runs helm and gives back its output; its words are in the error when it fails."""
    content = None if values is None else json.dumps(values)
    options = [] if values is None else ["--values=-"]
    done = subprocess.run([helm(), *words, *options], input=content, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"helm {words[0]} ended with exit code {done.returncode}\n{done.stdout}{done.stderr}".strip())
    return done.stdout


def render(*options: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    """What the chart makes of values."""
    text = run_helm("template", "rooftree", str(CHART), f"--namespace={NAMESPACE}", *options, values=values)
    return [document for document in yaml.safe_load_all(text) if document]


def render_stage(stage: str) -> list[dict[str, Any]]:
    """What the chart makes of a stage's values."""
    return render(f"--values={stage_file(stage)}", values=release_values("registry.example", "{}"))


def mistakes(document: dict[str, Any]) -> list[str]:
    """What the API server would not take of an object, or would drop silently."""
    name = f"{document.get('kind')} {document.get('metadata', {}).get('name')}"
    if document.get("kind") in WITHOUT_SCHEMA:
        return []
    schema = _definitions().get((document["apiVersion"], document["kind"]))
    if schema is not None:
        validator = jsonschema.Draft7Validator(schema)
        return [f"{name}: {_where(error)}" for error in validator.iter_errors(document)]
    return [f"{name} {mistake}" for version in KUBERNETES if (mistake := _mistake(json.dumps(document), version))]


@cache
def _mistake(document: str, version: str) -> str:
    """What Kubernetes' own schema says; kept, because stages share most of their objects."""
    try:
        kubernetes_validate.validate(json.loads(document), version, strict=True)
    except jsonschema.ValidationError as error:
        return f"(Kubernetes {version}): {_where(error)}"
    except kubernetes_validate.SchemaNotFoundError as error:
        return f"(Kubernetes {version}): {error.message}"
    return ""


def _where(error: jsonschema.ValidationError) -> str:
    return f"{'/'.join(str(part) for part in error.absolute_path) or 'the object'}: {error.message}"


@cache
def _definitions() -> dict[tuple[str, str], dict[str, Any]]:
    """The schemas of custom resources by apiVersion and kind, closed against unknown fields."""
    folders = [ROOT / "crds", tools.gateway_crds()]
    files = [file for folder in folders for file in sorted(folder.glob("*.yaml"))]
    return {
        (f"{spec['group']}/{version['name']}", spec["names"]["kind"]): _closed(version["schema"]["openAPIV3Schema"])
        for file in files
        for definition in yaml.safe_load_all(file.read_text())
        if definition and definition["kind"] == "CustomResourceDefinition"
        for spec in [definition["spec"]]
        for version in spec["versions"]
    }


def _closed(schema: Any, *, top: bool = True) -> Any:
    if isinstance(schema, list):
        return [_closed(one, top=False) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value, top=False) for key, value in schema.items()}
    # `metadata` has no schema of its own in a definition, and rules in `anyOf` and its like name only some fields.
    named = isinstance(schema.get("properties"), dict) and schema.get("type") == "object"
    if named and not schema.get("x-kubernetes-preserve-unknown-fields"):
        closed.setdefault("additionalProperties", False)
    if top:
        closed["properties"]["metadata"] = {"type": "object"}
    return closed


def lint() -> list[str]:
    """Findings of helm's lint and of the schemas over all stages."""
    found = []
    for stage in STAGES:
        try:
            options = ["--strict", "--quiet", f"--values={stage_file(stage)}"]
            run_helm("lint", str(CHART), *options, values=release_values("registry.example", "{}"))
            found += [f"{stage}: {mistake}" for document in render_stage(stage) for mistake in mistakes(document)]
        except ValueError as error:
            found.append(f"{stage}: {error}")
    return found


def version() -> str:
    """The package's version: like the images', it changes with what it is made of."""
    return f"{sources.PRODUCT_VERSION}-dev.{hashing.of_trees(paths.repository(), 'charts/rooftree')}"


def package() -> Path:
    """Packages the chart; gives back the file."""
    PACKAGES.mkdir(parents=True, exist_ok=True)
    versions = [f"--version={version()}", f"--app-version={sources.TENANT.version}"]
    run_helm("package", str(CHART), *versions, f"--destination={PACKAGES}")
    return PACKAGES / f"rooftree-{version()}.tgz"


if __name__ == "__main__":
    print(package().relative_to(ROOT))
