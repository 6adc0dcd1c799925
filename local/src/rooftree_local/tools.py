"""Programs that the stack needs and Debian does not have, kept in the cache by version and hash of their pins."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rooftree_local import hashing, paths
from rooftree_local.addresses import CACHE
from rooftree_local.stack import CommandFailed

if TYPE_CHECKING:
    from rooftree_local.steps import Work

GO_VERSION = (1, 26)
GO_REMEDY = "install Go {}.{} or newer (https://go.dev/dl) and put it on PATH".format(*GO_VERSION)


@dataclass(frozen=True)
class GoTool:
    """A program built from the module `local/tools/<name>`, whose go.mod and go.sum pin everything."""

    name: str
    module: str
    package: str
    ldflags: str = "-s -w"

    @property
    def source(self) -> Path:
        return paths.repository() / "local" / "tools" / self.name

    @property
    def version(self) -> str:
        pin = re.search(
            rf"^\s*(?:require )?{re.escape(self.module)} (v\S+)", (self.source / "go.mod").read_text(), re.M
        )
        if not pin:
            raise ValueError(f"{self.source / 'go.mod'} does not pin {self.module}")
        return pin[1]

    @property
    def flags(self) -> str:
        return self.ldflags.replace("VERSION", self.version)

    @property
    def key(self) -> str:
        pins = hashing.of_files(self.source, [p for p in self.source.iterdir() if p.suffix in {".mod", ".sum", ".go"}])
        return f"{self.name}-{self.version}-{hashing.of_text(pins, self.flags)}"

    @property
    def path(self) -> Path:
        return paths.cached("tools", self.key, self.name)

    @property
    def inside(self) -> str:
        """Its path inside a stack."""
        return f"{CACHE}/tools/{self.key}/{self.name}"

    def build(self, work: Work) -> None:
        """Builds it; several minutes when Go's own cache is empty."""
        if shutil.which("go") is None:
            raise CommandFailed(f"Go is missing: {GO_REMEDY}")
        unfinished = self.path.with_suffix(".new")
        command = ["go", "build", "-trimpath", "-ldflags", self.flags, "-o", str(unfinished), self.package]
        work.command(command, cwd=self.source, env={"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"})
        unfinished.replace(self.path)


KUBELITE = GoTool(
    "kubelite",
    "k8s.io/kubernetes",
    ".",
    "-s -w -X k8s.io/component-base/version.gitVersion=VERSION -X k8s.io/client-go/pkg/version.gitVersion=VERSION",
)
COREDNS = GoTool("coredns", "github.com/coredns/coredns", ".")
KUBE_ROUTER = GoTool(
    "kube-router",
    "github.com/cloudnativelabs/kube-router/v2",
    "github.com/cloudnativelabs/kube-router/v2/cmd/kube-router",
)
METRICS_SERVER = GoTool("metrics-server", "sigs.k8s.io/metrics-server", "sigs.k8s.io/metrics-server/cmd/metrics-server")
VERSITYGW = GoTool("versitygw", "github.com/versity/versitygw", "github.com/versity/versitygw/cmd/versitygw")
JAEGER = GoTool("jaeger", "github.com/jaegertracing/jaeger", "github.com/jaegertracing/jaeger/cmd/jaeger")
HELM = GoTool("helm", "helm.sh/helm/v4", "helm.sh/helm/v4/cmd/helm")
OASDIFF = GoTool("oasdiff", "github.com/oasdiff/oasdiff", "github.com/oasdiff/oasdiff")
KWOK = GoTool("kwok", "sigs.k8s.io/kwok", "sigs.k8s.io/kwok/cmd/kwok")
KWOK_STAGES = ("node/fast", "node/heartbeat-with-lease", "pod/fast")
ALL = (KUBELITE, COREDNS, KUBE_ROUTER, METRICS_SERVER, VERSITYGW, JAEGER, HELM, OASDIFF, KWOK)


def kubectl() -> Path:
    """The link by which kubelite is kubectl."""
    link = KUBELITE.path.with_name("kubectl")
    if not link.is_symlink():
        link.symlink_to(KUBELITE.name)
    return link


def kwok_stages() -> Path:
    """The file that says what becomes of simulated nodes and pods."""
    return KWOK.path.with_name("stages.yaml")


def fetch_kwok_stages(work: Work) -> None:
    """Takes KWOK's own stages out of its module: nodes and pods are ready at once, pods of Jobs complete."""
    described = work.command(["go", "mod", "download", "-json", f"{KWOK.module}@{KWOK.version}"], cwd=KWOK.source)
    folder = Path(json.loads(described)["Dir"], "kustomize", "stage")
    files = [
        file for kind in KWOK_STAGES for file in sorted(Path(folder, kind).glob(f"{kind.partition('/')[0]}-*.yaml"))
    ]
    unfinished = kwok_stages().with_suffix(".new")
    unfinished.write_text("---\n".join(file.read_text() for file in files))
    unfinished.replace(kwok_stages())


def gateway_crds() -> Path:
    """Where the Gateway API's definitions are, one YAML file for each kind."""
    pins = (paths.repository() / "local" / "tools" / "gateway-api" / "go.mod").read_text()
    return paths.cached("tools", f"gateway-api-{hashing.of_text(pins)}", "crds")


def fetch_gateway_crds(work: Work) -> None:
    """Takes the definitions out of the Go module that they are published in."""
    source = paths.repository() / "local" / "tools" / "gateway-api"
    described = work.command(["go", "mod", "download", "-json", "sigs.k8s.io/gateway-api"], cwd=source)
    target = gateway_crds()
    unfinished = target.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for file in Path(json.loads(described)["Dir"], "config", "crd", "standard").glob("*.yaml"):
        # The module's files are read-only, and so would be their copies.
        (unfinished / file.name).write_bytes(file.read_bytes())
    unfinished.replace(target)
