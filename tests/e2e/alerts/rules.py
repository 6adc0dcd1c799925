"""The alerts of the repository, as far as a proof has to know them. Pure."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[3]
RULES = ROOT / "observability" / "rules"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"(\d+)([smhd])")


def seconds(duration: str) -> float:
    """Of a duration as rules spell it, such as `1h30m`. Raises `ValueError` for anything else."""
    parts = _DURATION.findall(duration)
    if "".join(number + unit for number, unit in parts) != duration or not parts:
        raise ValueError(f"{duration!r} is no duration")
    return float(sum(int(number) * _UNITS[unit] for number, unit in parts))


def waits(folder: Path = RULES) -> dict[str, float]:
    """Of each alert the seconds for which what it warns of must last."""
    found: dict[str, float] = {}
    for path in sorted(folder.glob("*.yaml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    found[rule["alert"]] = seconds(rule["for"]) if "for" in rule else 0.0
    return found
