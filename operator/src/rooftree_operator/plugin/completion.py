"""`kubectl_complete-brokerage`: what kubectl asks when TAB is pressed behind `kubectl brokerage`.

kubectl runs it with the words so far, the last one unfinished. It takes a proposal a line, and a directive at the end.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from .main import FORMS, flags_of, parser

NO_FILES = ":4"  # cobra's ShellCompDirectiveNoFileComp
FILES = ":0"


def main(words: Sequence[str] | None = None) -> int:
    *given, unfinished = list(sys.argv[1:] if words is None else words) or [""]
    proposals, directive = proposed(given, unfinished)
    for line in [*(one for one in proposals if one.startswith(unfinished)), directive]:
        sys.stdout.write(f"{line}\n")
    return 0


def proposed(given: Sequence[str], unfinished: str) -> tuple[list[str], str]:
    """Verbs first, then flags of the verb, forms behind `-o`, files behind `-f`, else names of brokerages."""
    verbs = _verbs()
    verb = next((word for word in given if not word.startswith("-")), None)
    if verb is None:
        return sorted(verbs), NO_FILES
    if verb not in verbs:
        return [], NO_FILES
    last, takes_file = given[-1], verb == "plan"
    if last in ("-o", "--output"):
        return list(FORMS), NO_FILES
    if takes_file and last in ("-f", "--file", "--filename"):
        return [], FILES
    if unfinished.startswith("-"):
        return sorted(_flags(verbs[verb])), NO_FILES
    return ([], NO_FILES) if takes_file or verb == "list" else (_names(given), NO_FILES)


def _verbs() -> dict[str, argparse.ArgumentParser]:
    whole = parser()
    (choice,) = [one for one in whole._actions if isinstance(one.choices, dict)]
    return dict(choice.choices or {})


def _flags(verb: argparse.ArgumentParser) -> list[str]:
    shown = [one for one in verb._actions if one.help != argparse.SUPPRESS]
    return [flag for one in shown for flag in one.option_strings if flag.startswith("--")]


def _names(given: Sequence[str]) -> list[str]:
    """Of all brokerages; none if the cluster does not answer, as a failed TAB is no place for an error."""
    from ..adapters.kubernetes import BROKERAGE, ApiError
    from ..errors import Unavailable
    from .cluster import connected
    from .problems import Problem

    known, _ = _lenient().parse_known_args(list(given))
    try:
        with connected(flags_of(known)) as cluster:
            found = asyncio.run(cluster.kube.list(BROKERAGE, labels={}))
    except (Problem, ApiError, Unavailable):
        return []
    return sorted(one["metadata"]["name"] for one in found if one["metadata"]["name"] not in given)


def _lenient() -> argparse.ArgumentParser:
    from .main import HANDED_ON

    only = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for flag in HANDED_ON:
        only.add_argument(flag, dest=flag)
    return only
