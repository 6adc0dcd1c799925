"""`rooftree-local`: the embedded local stack from the command line."""

from __future__ import annotations

import os
import shutil
import sys
import time
from enum import StrEnum
from typing import Annotated, NoReturn

import typer

from rooftree_local import dashboards as viewer
from rooftree_local import doctor as examination
from rooftree_local import (
    environment,
    forward,
    inspection,
    lock,
    monitoring,
    paths,
    pipeline,
    progress,
    replays,
    sample,
    show,
    sources,
    stack,
    steps,
    teardown,
)
from rooftree_local.paths import Stack
from rooftree_local.pipeline import Only, Part

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A real Kubernetes with real backends, here.",
)

Name = Annotated[str, typer.Option("--stack", help="Which of several stacks that live side by side.")]


def _fail(error: Exception) -> NoReturn:
    typer.echo(str(error), err=True)
    raise typer.Exit(1)


def _stack(name: str) -> Stack:
    try:
        return Stack(name)
    except ValueError as error:
        _fail(error)


@app.command()
def up(
    name: Name = paths.DEVELOPMENT_STACK,
    only: Annotated[Only | None, typer.Option(help="Start only this part.")] = None,
    browser: Annotated[bool, typer.Option("--browser", help="Install what tests in a browser need, too.")] = False,
    replica: Annotated[bool, typer.Option("--replica", help="Give PostgreSQL a streaming standby.")] = False,
) -> None:
    """Starts the stack, or brings a live one to what the sources say now."""
    target = _stack(name)
    if os.geteuid() != 0:
        _fail(PermissionError("a stack needs namespaces, mounts and control groups; run this as root"))
    started = time.monotonic()
    with lock.exclusive(target.lock, typer.echo):
        _up(target, only, browser=browser, replica=replica)
    typer.echo(f"Stack {target.name} is up ({time.monotonic() - started:.1f} s).")


def _up(target: Stack, only: Only | None, *, browser: bool, replica: bool) -> None:
    try:
        if stack.find(target) is None:
            teardown.down(target)
        chain = pipeline.steps(target, only, browser=browser, replica=replica)
        with progress.reporter(len(chain)) as reporter:
            steps.run(chain, steps.Ledger(target.ledger), target.logs, reporter)
        if only is None and sample.brokerage_missing() is None:
            typer.echo(sample.welcome(target))
    except (steps.StepFailed, teardown.Leftovers, stack.CommandFailed) as error:
        _fail(error)


@app.command()
def build(part: Annotated[Part, typer.Argument(help="What to build.")]) -> None:
    """Builds our images, or the programs that look at charts or API documents, into the cache; no stack is needed."""
    folder = paths.repository() / ".local" / "build"
    chain = pipeline.parts(part)
    try:
        held = lock.exclusive(paths.repository() / ".local" / "locks" / f"build-{part}", typer.echo)
        with held, progress.reporter(len(chain)) as reporter:
            steps.run(chain, steps.Ledger(folder / "steps.json"), folder / "logs", reporter)
    except steps.StepFailed as error:
        _fail(error)
    if part is Part.IMAGES:
        typer.echo("\n".join(image.reference for image in sources.IMAGES))


@app.command()
def down(name: Name = paths.DEVELOPMENT_STACK) -> None:
    """Ends the stack; nothing of it stays but certificates and caches."""
    target = _stack(name)
    try:
        with lock.exclusive(target.lock, typer.echo):
            teardown.down(target)
    except teardown.Leftovers as error:
        _fail(error)
    typer.echo(f"Stack {target.name} is down.")


@app.command()
def status(name: Name = paths.DEVELOPMENT_STACK) -> None:
    """Shows every component and tenant; ends with 1 when something does not run."""
    target = _stack(name)
    rows = inspection.components(target)
    if not rows:
        _fail(stack.NotRunning(f"stack {target.name} is down; start it with: rooftree-local up --stack {target.name}"))
    console = show.console()
    show.components(rows, console)
    broken = [row for row in rows if row.state not in {"ready", "starting"}]
    for row in broken:
        console.print(f"\n{row.name}: the last lines of {os.path.relpath(row.log)}", markup=False)
        console.print(stack.tail(row.log, 10), markup=False, highlight=False, soft_wrap=True)
    if broken:
        console.print("\nrooftree-local up starts it again")
        raise typer.Exit(1)
    if any(row.name == "apiserver" for row in rows):
        try:
            found = inspection.tenants(target)
        except stack.CommandFailed as error:
            _fail(error)
        if found:
            console.print()
            show.tenants(found, console)


@app.command()
def logs(
    component: Annotated[str | None, typer.Argument(help="Which component; without it, they are listed.")] = None,
    name: Name = paths.DEVELOPMENT_STACK,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many of the last lines.")] = 50,
) -> None:
    """Shows the end of a component's log."""
    target = _stack(name)
    known = sorted(path.stem for path in target.logs.glob("*.log"))
    if component is None:
        typer.echo("\n".join(known) or "there are no logs")
        return
    if component not in known:
        _fail(ValueError(f"there is no log of {component!r}; there are: {', '.join(known) or 'none'}"))
    path = target.logs / f"{component}.log"
    typer.echo(stack.tail(path, lines))
    if follow:
        try:
            for text in show.follow(path):
                typer.echo(text, nl=False)
        except KeyboardInterrupt:
            return


@app.command()
def doctor() -> None:
    """Looks whether this machine can run a stack; says what to do about every finding."""
    found = examination.examine()
    show.findings(found, show.console())
    if not all(finding.is_good for finding in found):
        raise typer.Exit(1)


@app.command()
def clean(
    cache: Annotated[bool, typer.Option("--cache", help="Remove the cache of downloads and builds too.")] = False,
) -> None:
    """Ends every stack of this checkout and removes its state and certificates."""
    try:
        for target in paths.stacks():
            teardown.down(target)
            shutil.rmtree(target.state)
            typer.echo(f"Stack {target.name} is gone.")
        if cache:
            teardown.remove_cache()
    except (teardown.Leftovers, OSError) as error:
        _fail(error)


@app.command()
def env(name: Name = paths.DEVELOPMENT_STACK) -> None:
    """Prints what tests need to know, as `export NAME=VALUE` lines. They hold a password."""
    typer.echo(environment.exports(_stack(name)))


@app.command()
def dashboards(
    name: Name = paths.DEVELOPMENT_STACK,
    port: Annotated[int, typer.Option(help="Port of 127.0.0.1 to listen on; the next one is used, too.")] = viewer.PORT,
    prometheus: Annotated[str | None, typer.Option(help="Another Prometheus than the stack's, by its URL.")] = None,
) -> None:
    """Shows the dashboards in a browser, without Grafana, until it is interrupted."""
    url = prometheus or monitoring.URL
    try:
        with viewer.server(url, port, replay=f"http://{replays.HOST}:{port + 1}") as server:
            if prometheus is None:
                forward.move_into(stack.require(_stack(name)).pid)
            with replays.running(url, port + 1):
                typer.echo(f"http://127.0.0.1:{port}/")
                server.serve_forever()
    except (viewer.NotBuilt, stack.NotRunning, stack.CommandFailed, OSError) as error:
        _fail(error)
    except KeyboardInterrupt:
        return


class Output(StrEnum):
    """How something is printed."""

    TABLE = "table"
    JSON = "json"


@app.command()
def inventory(
    tenant: Annotated[str, typer.Argument(help="A slug, or a tenant id.")],
    name: Name = paths.DEVELOPMENT_STACK,
    output: Annotated[Output, typer.Option("--output", "-o", help="For people or for programs.")] = Output.TABLE,
) -> None:
    """Lists all that exists of a tenant in every system, by name and by ownership mark. Nothing is no error."""
    # Its clients take half a second to load, which no other command should pay for.
    from rooftree_local.inventory import collect, model

    target = _stack(name)
    try:
        forward.move_into(stack.require(target).pid)
        found = collect.inventory(target, model.Tenant(tenant))
    except (stack.NotRunning, stack.CommandFailed, OSError) as error:
        _fail(error)
    if output is Output.JSON:
        typer.echo(model.as_json(found))
    else:
        model.show(found, show.console())


@app.command(
    "exec",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False},
)
def execute(context: typer.Context, name: Name = paths.DEVELOPMENT_STACK) -> None:
    """Runs a command in the stack's network: `rooftree-local exec -- CMD …`."""
    if not context.args:
        _fail(ValueError("which command? rooftree-local exec -- CMD …"))
    try:
        argv = stack.enter_network(stack.require(_stack(name)), context.args)
    except stack.NotRunning as error:
        _fail(error)
    sys.stdout.flush()
    os.execvp(argv[0], argv)  # noqa: S606 - the very point of this command
