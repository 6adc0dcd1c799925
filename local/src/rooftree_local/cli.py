"""`rooftree-local`: the embedded local stack from the command line."""

from __future__ import annotations

import os
import sys
import time
from typing import Annotated, NoReturn

import typer

from rooftree_local import environment, paths, pipeline, progress, sample, stack, steps, teardown
from rooftree_local.paths import Stack
from rooftree_local.pipeline import Only

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
) -> None:
    """Starts the stack, or brings a live one to what the sources say now."""
    target = _stack(name)
    if os.geteuid() != 0:
        _fail(PermissionError("a stack needs namespaces, mounts and control groups; run this as root"))
    started = time.monotonic()
    if stack.find(target) is None:
        teardown.down(target)
    chain = pipeline.steps(target, only)
    try:
        with progress.reporter(len(chain)) as reporter:
            steps.run(chain, steps.Ledger(target.ledger), target.logs, reporter)
    except steps.StepFailed as error:
        _fail(error)
    if only is None and sample.brokerage_missing() is None:
        typer.echo(sample.welcome(target))
    typer.echo(f"Stack {target.name} is up ({time.monotonic() - started:.1f} s).")


@app.command()
def down(name: Name = paths.DEVELOPMENT_STACK) -> None:
    """Ends the stack; nothing of it stays but certificates and caches."""
    target = _stack(name)
    try:
        teardown.down(target)
    except teardown.Leftovers as error:
        _fail(error)
    typer.echo(f"Stack {target.name} is down.")


@app.command()
def env(name: Name = paths.DEVELOPMENT_STACK) -> None:
    """Prints what tests need to know, as `export NAME=VALUE` lines. They hold a password."""
    typer.echo(environment.exports(_stack(name)))


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
