"""What each image is made of, and the names that follow from it.

Hashes are taken once in a process: while somebody edits, all steps of one `up` speak of the same state of the sources.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from rooftree_local import base_image, hashing, paths

if TYPE_CHECKING:
    from pathlib import Path

PRODUCT_VERSION = "0.1.0"


@dataclass(frozen=True)
class Image:
    """An image of ours: its Dockerfile, the trees that go into its build context, its requirements file."""

    name: str
    description: str
    dockerfile: str
    trees: tuple[str, ...]
    requirements: str
    has_frontend: bool = False

    @property
    def missing(self) -> str | None:
        """Why it cannot be built, if so."""
        return None if (paths.repository() / self.dockerfile).is_file() else f"there is no {self.dockerfile} yet"

    @property
    def labels(self) -> dict[str, str]:
        """The annotations of the OCI image specification that hold for the sources, whoever builds them and when."""
        told = {"title": f"rooftree-{self.name}", "description": self.description, "version": self.version}
        told |= {"vendor": "Rooftree", "base.name": base_image.REFERENCE}
        return {f"org.opencontainers.image.{name}": value for name, value in told.items()}

    @cached_property
    def hash(self) -> str:
        """Changes with everything that goes into the image."""
        root = paths.repository()
        requirements = (root / "requirements" / f"{self.requirements}.txt").read_text()
        own = hashing.of_trees(root, self.dockerfile, *self.trees)
        web = frontend_hash() if self.has_frontend else ""
        return hashing.of_text(own, requirements, web, base_image.key(), self.description)

    @property
    def version(self) -> str:
        """A version that is also a tag and a label's value."""
        return f"{PRODUCT_VERSION}-dev.{self.hash}"

    @property
    def reference(self) -> str:
        """Its name where it is built."""
        return self.at("localhost")

    def at(self, registry: str) -> str:
        """Its name in a registry, which may have a path; the tag is the same everywhere."""
        return f"{registry}/rooftree-{self.name}:{self.version}"

    @property
    def archive(self) -> Path:
        return paths.cached("images", f"{self.name}-{self.hash}.tar")


OPERATOR = Image(
    "operator", "The operator, and the pages of hosts without an app", "operator/Dockerfile", ("operator",), "operator"
)
TENANT = Image(
    "tenant",
    "The tenant app with its web app",
    "tenant-app/Dockerfile",
    ("tenant-app",),
    "tenant-app",
    has_frontend=True,
)
MLS_FEED = Image(
    "mls-feed",
    "A sample MLS feed with real sales",
    "examples/mls-feed/Dockerfile",
    ("examples/mls-feed/src", "examples/mls-feed/pyproject.toml"),
    "mls-feed",
)
EDGE = Image("edge", "The edge proxy", "charts/rooftree/edge/Dockerfile", ("charts/rooftree/edge",), "edge")
IMAGES = (OPERATOR, EDGE, MLS_FEED, TENANT)


def frontend_missing() -> str | None:
    """Why there is no front end to build, if so."""
    return None if (paths.repository() / "frontend" / "package.json").is_file() else "there is no frontend/ yet"


def web_app_missing() -> str | None:
    """Why the web app need not be built, if so: only the tenant app's image holds it."""
    return frontend_missing() or TENANT.missing


@cache
def frontend_hash() -> str:
    """Changes with every source of the web app; nothing when there is none."""
    return "" if frontend_missing() else hashing.of_trees(paths.repository(), "frontend")


def frontend_dist() -> Path:
    """Where the built web app is kept."""
    return paths.cached("frontend", frontend_hash(), "dist")
