"""Copies our images to a registry under the tags that they have: `python -m delivery.push REGISTRY`.

A tag is a hash of what its image is made of, so pushing it again changes nothing. buildah must be logged in.
"""

from __future__ import annotations

import subprocess
import sys

from rooftree_local import buildah, sources

# The sample feed is for local stacks only.
DELIVERED = (sources.OPERATOR, sources.EDGE, sources.TENANT)


def commands(registry: str, known: set[str]) -> list[list[str]]:
    """The command lines: what the build storage does not know any more comes from its archive first."""
    lost = [
        buildah.argv("pull", "--quiet", f"docker-archive:{one.archive}")
        for one in DELIVERED
        if one.reference not in known
    ]
    return lost + [buildah.argv("push", one.reference, f"docker://{one.at(registry)}") for one in DELIVERED]


def main() -> int:
    """Pushes all; 1 with buildah's own words when one fails."""
    registry = sys.argv[1] if len(sys.argv) == 2 else ""
    if registry in {"", "localhost"}:
        print("which registry? make push REGISTRY=<host>/<path>", file=sys.stderr)
        return 2
    listed = buildah.argv("images", "--format", "{{.Name}}:{{.Tag}}")
    known = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()
    return int(any(subprocess.run(command, check=False).returncode for command in commands(registry, set(known))))


if __name__ == "__main__":
    sys.exit(main())
