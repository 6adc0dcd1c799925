"""What is asked: whose time, how much of it, and with which settings of the policies. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from re import fullmatch

from .. import names

APP = "app"  # what pods with all modules, or those that requests come to first, run as
MOST_TARGETS = 4  # of HPAs, so that a page stays one
_MODULE = r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?"


class BadQuestion(Exception):
    """One or more values that are none; the message is for whoever asked."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number that may be asked for, as a person reads it. No `usual`: what is measured decides."""

    name: str
    label: str
    least: float
    most: float
    usual: float | None = None
    whole: bool = False


HOURS = Number("hours", "Hours", 0.25, 6, 1)
START = Number("start", "Seconds until a pod serves", 0, 300, 8, whole=True)
FLOOR = Number("floor", "Fewest pods", 1, 200, whole=True)
CEILING = Number("ceiling", "Most pods", 1, 200, whole=True)
OBJECTIVE = Number("objective", "Objective, ms", 20, 60_000)
MARGIN = Number("margin", "Margin to begin with, deviations", 0, 4, 1)
WINDOW = Number("window", "Seconds before pods go", 0, 3600, 60)
KEDA = Number("keda", "KEDA: requests in flight a pod", 0.1, 100, 0.7)
KPA = Number("kpa", "Knative: target, %", 1, 100, 70)
TARGETS = Number("hpa", "HPA: targets, %", 10, 100, whole=True)  # several, with spaces between them
USUAL_TARGETS = (50, 70, 80)


@dataclass(frozen=True, slots=True)
class Question:
    """`until`: Unix seconds, None for now. `objective` (seconds), `margin` and `window` are of ours, as asked.

    `floor` and `ceiling` are for all policies; None: the plan's.
    """

    tenant: str
    module: str = APP
    hours: float = 1.0
    until: int | None = None
    start: int = 8
    floor: int | None = None
    ceiling: int | None = None
    objective: float | None = None
    margin: float = 1.0
    window: float = 60.0
    hpa: tuple[int, ...] = USUAL_TARGETS
    keda: float = 0.7
    kpa: float = 0.7  # share of 1


def parse(given: Mapping[str, str]) -> Question:
    """The question of an address' parameters; empty ones are not given. Raises `BadQuestion`."""
    given = {name: value.strip() for name, value in given.items() if value.strip()}
    floor, ceiling, objective = (_number(given, one) for one in (FLOOR, CEILING, OBJECTIVE))
    if floor is not None and ceiling is not None and floor > ceiling:
        raise BadQuestion(f"The fewest pods ({floor:g}) are more than the most ({ceiling:g}).")
    return Question(
        tenant=_tenant(given.get("tenant", "")),
        module=_module(given.get("module", APP)),
        hours=_known(given, HOURS),
        until=_until(given.get("until", "")),
        start=int(_known(given, START)),
        floor=None if floor is None else int(floor),
        ceiling=None if ceiling is None else int(ceiling),
        objective=None if objective is None else objective / 1000,
        margin=_known(given, MARGIN),
        window=_known(given, WINDOW),
        hpa=_targets(given.get(TARGETS.name, "")),
        keda=_known(given, KEDA),
        kpa=_known(given, KPA) / 100,
    )


def _tenant(text: str) -> str:
    if not text:
        raise BadQuestion("Whose time? `tenant` is the id of a brokerage, as `kubectl get brokerage -o wide` shows it.")
    try:
        return names.TenantId(text).value
    except ValueError as error:
        raise BadQuestion(f"{text!r} is no id of a tenant, such as acme-0a1b2c3d.") from error


def _module(text: str) -> str:
    if fullmatch(_MODULE, text) is None:
        raise BadQuestion(f"{text!r} is no module's name.")
    return text


def _until(text: str) -> int | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError) as error:
        raise BadQuestion(f"{text!r} is no time, such as 2026-11-30T07:00 (UTC).") from error


def _targets(text: str) -> tuple[int, ...]:
    words = text.replace(",", " ").split()
    if len(words) > MOST_TARGETS:
        raise BadQuestion(f"{TARGETS.label}: at most {MOST_TARGETS} at a time.")
    found = (_checked(word, TARGETS) for word in words)
    return tuple(sorted({int(one) for one in found})) or USUAL_TARGETS


def _known(given: Mapping[str, str], number: Number) -> float:
    found = _number(given, number)
    if found is not None:
        return found
    assert number.usual is not None
    return number.usual


def _number(given: Mapping[str, str], number: Number) -> float | None:
    text = given.get(number.name)
    return None if text is None else _checked(text, number)


def _checked(text: str, number: Number) -> float:
    """The number that the text is, between its limits."""
    try:
        value = float(text)
    except ValueError as error:
        raise BadQuestion(f"{number.label}: {text!r} is no number.") from error
    if not isfinite(value) or not number.least <= value <= number.most or (number.whole and value != int(value)):
        kind = "a whole number" if number.whole else "a number"
        raise BadQuestion(f"{number.label}: {text!r} is not {kind} from {number.least:g} to {number.most:g}.")
    return value
