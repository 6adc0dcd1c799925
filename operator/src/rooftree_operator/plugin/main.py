"""The command line: `kubectl brokerage VERB …`. Codes: 0 fine, 1 a problem, 2 misused."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from .problems import PROBLEM, Problem

if TYPE_CHECKING:
    from .cluster import Cluster
    from .output import Answer

Options = argparse.Namespace
FORMS = ("table", "wide", "json", "yaml")
# kubectl's own flags that change whom it asks, and as whom; they are handed on to it.
HANDED_ON = ("--kubeconfig", "--context", "--cluster", "--user", "--as", "--server")


async def _list(cluster: "Cluster", options: Options) -> "Answer":
    from . import listing, output

    return await listing.list_all(cluster, wide=options.output == "wide", now=output.clock(), style=_style())


async def _status(cluster: "Cluster", options: Options) -> "Answer":
    from . import listing, output

    wide = options.output == "wide"
    return await listing.status(cluster, options.names, wide=wide, now=output.clock(), style=_style())


async def _why(cluster: "Cluster", options: Options) -> "Answer":
    from . import output, why

    return await why.why(cluster, options.name, wide=options.output == "wide", now=output.clock(), style=_style())


async def _tree(cluster: "Cluster", options: Options) -> "Answer":
    from . import tree

    return await tree.tree(cluster, options.name, wide=options.output == "wide", style=_style())


async def _events(cluster: "Cluster", options: Options) -> "Answer":
    from . import happenings, output

    wide = options.output == "wide"
    return await happenings.events(cluster, options.name, wide=wide, now=output.clock(), style=_style())


async def _top(cluster: "Cluster", options: Options) -> "Answer":
    from . import top

    return await top.top(cluster, options.names, wide=options.output == "wide", style=_style())


async def _logs(cluster: "Cluster", options: Options) -> None:
    from . import acting

    since, tail = options.since, options.tail
    words = await acting.logs(
        cluster,
        options.name,
        module=options.module,
        follow=options.follow,
        since=since,
        tail=tail,
        old=options.previous,
    )
    cluster.become(*words)


async def _open(cluster: "Cluster", options: Options) -> "Answer":
    from . import acting

    return await acting.address(cluster, options.name, link=options.link)


async def _suspend(cluster: "Cluster", options: Options) -> "Answer":
    from . import acting

    return await acting.suspend(cluster, options.name, reason=options.reason, message=options.message)


async def _resume(cluster: "Cluster", options: Options) -> "Answer":
    from . import acting

    return await acting.resume(cluster, options.name)


async def _rotate(cluster: "Cluster", options: Options) -> "Answer":
    from . import acting, output

    return await acting.rotate(cluster, options.name, now=output.clock())


async def _backup(cluster: "Cluster", options: Options) -> "Answer":
    from . import backups, output

    called, wait = options.called, options.wait
    return await backups.backup(cluster, options.name, called=called, wait=wait, now=output.clock())


async def _restore(cluster: "Cluster", options: Options) -> "Answer":
    from . import backups, output

    source, wait = options.backup, options.wait
    return await backups.restore(cluster, options.name, source=source, wait=wait, now=output.clock())


async def _drill(cluster: "Cluster", options: Options) -> "Answer":
    from . import backups, output

    source, wait = options.backup, options.wait
    return await backups.drill(cluster, options.name, source=source, wait=wait, now=output.clock())


async def _backups(cluster: "Cluster", options: Options) -> "Answer":
    from . import backups, output

    return await backups.backups(cluster, options.name, now=output.clock(), style=_style())


async def _diff(cluster: "Cluster", options: Options) -> "Answer":
    from . import diff, output

    return await diff.diff(cluster, options.name, now=output.clock, style=_style())


async def _plan(cluster: "Cluster", options: Options) -> "Answer":
    from . import output, planning

    content = sys.stdin.read() if options.file == "-" else None
    return await planning.plan(cluster, options.file, content=content, now=output.clock, style=_style())


def _style() -> Any:
    from .output import Style

    return Style.of(sys.stdout)


class _Parser(argparse.ArgumentParser):
    """One line for what is wrong, as for everything else."""

    def error(self, message: str) -> Any:
        self.exit(2, f"{self.prog}: {message}; see `{self.prog} --help`\n")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    whole = _Parser(prog="kubectl brokerage", description="Looks after brokerages.", allow_abbrev=False)
    verbs = whole.add_subparsers(title="verbs", metavar="VERB", required=True, dest="verb")
    _looking(verbs)
    _acting(verbs)
    return whole


def _looking(verbs: Any) -> None:
    _verb(verbs, "list", _list, "all brokerages, who has a problem, and who acts", forms=True)
    _verb(verbs, "status", _status, "all that the operator says of brokerages", forms=True, names="*")
    _verb(verbs, "why", _why, "why it is not ready: one chain of causes, and the next command", forms=True, names="1")
    _verb(verbs, "tree", _tree, "all that belongs to it, with the state of each", forms=True, names="1")
    _verb(verbs, "events", _events, "what happened to it, the newest last", forms=True, names="1")
    _verb(verbs, "top", _top, "CPU and memory of its pods", forms=True, names="*")
    _verb(verbs, "backups", _backups, "what there is to go back to, the newest last", forms=True, names="1")
    _verb(
        verbs,
        "diff",
        _diff,
        "what is declared against what is there; ends with 1 if they differ",
        forms=True,
        names="1",
    )
    plan = _verb(verbs, "plan", _plan, "what an apply of a file would do to which brokerages", forms=True)
    plan.add_argument("-f", "--file", required=True, help="Brokerages and BrokeragePlans; - is the standard input")


def _acting(verbs: Any) -> None:
    logs = _verb(verbs, "logs", _logs, "what its pods write", names="1")
    logs.add_argument("--module", help="only the pods of this module, in topology microservices")
    logs.add_argument("-f", "--follow", action="store_true", help="go on with what comes")
    logs.add_argument("--since", help="only of this time, for example 10m")
    logs.add_argument("--tail", type=int, help="so many lines of each pod (50, or all of --since)")
    logs.add_argument("--previous", action="store_true", help="of the containers that ran before the present ones")
    address = _verb(verbs, "open", _open, "its address", names="1")
    address.add_argument("--link", action="store_true", help="the owner's one-time link")
    suspend = _verb(verbs, "suspend", _suspend, "takes it out of service until it is resumed", names="1")
    suspend.add_argument("--reason", required=True, help="for example billing")
    suspend.add_argument("--message", help="what visitors are told")
    _verb(verbs, "resume", _resume, "takes it back into service", names="1")
    _verb(verbs, "rotate", _rotate, "replaces all its credentials and signing keys while it serves", names="1")
    backup = _verb(verbs, "backup", _backup, "writes a backup of it", forms=True, names="1")
    backup.add_argument("--called", help="name of the backup; without it the brokerage's name and the time")
    restore = _verb(verbs, "restore", _restore, "brings it back to a backup", forms=True, names="1")
    drill = _verb(verbs, "drill", _drill, "tries a backup, which nobody notices", forms=True, names="1")
    for verb in (restore, drill):
        verb.add_argument("--backup", help="the backup; without it the newest one")
    for verb in (backup, restore, drill):
        verb.add_argument("--wait", action="store_true", help="until it is over")


def _verb(
    verbs: Any, name: str, run: Callable[..., Awaitable[Any]], about: str, *, forms: bool = False, names: str = ""
) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = verbs.add_parser(name, help=about, description=f"{about}.", allow_abbrev=False)
    made.set_defaults(run=run, output="table")
    if names == "1":
        made.add_argument("name", metavar="NAME", help="the brokerage")
    elif names:
        made.add_argument("names", metavar="NAME", nargs=names, help="brokerages; all of them if none is named")
    if forms:
        made.add_argument("-o", "--output", choices=FORMS, help="how it is shown")
    for flag in HANDED_ON:
        made.add_argument(flag, dest=flag, help=argparse.SUPPRESS)
    return made


def flags_of(options: Options) -> list[str]:
    """What kubectl is to be given along with each of its commands."""
    given = vars(options)
    return [f"{flag}={given[flag]}" for flag in HANDED_ON if given.get(flag)]


def main(words: Sequence[str] | None = None) -> int:
    """Runs one command. The return value is the process's code."""
    options = parser().parse_args(words)
    signal.signal(signal.SIGTERM, _ended)
    from .cluster import connected

    try:
        with connected(flags_of(options)) as cluster:
            return carried_out(cluster, options)
    except Problem as problem:
        return _failed(problem, problem.code)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _ended(number: int, _: object) -> None:
    """Leaves by way of what is to be cleaned up."""
    sys.exit(128 + number)


def carried_out(cluster: "Cluster", options: Options) -> int:
    """Runs the verb against a cluster, and writes its answer."""
    from ..adapters.kubernetes import ApiError
    from ..errors import Unavailable
    from .output import printed, say

    try:
        answer = asyncio.run(options.run(cluster, options))
    except (Problem, ApiError, Unavailable) as problem:
        return _failed(problem, getattr(problem, "code", PROBLEM))
    if answer is None:
        return 0
    say(printed(answer, options.output))
    return 0 if answer.fine else PROBLEM


def _failed(problem: Exception, code: int) -> int:
    sys.stderr.write(f"error: {' '.join(str(problem).split())}\n")
    return code
