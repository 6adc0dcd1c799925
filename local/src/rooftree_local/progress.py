"""Progress of steps: a bar with elapsed times on a terminal, plain lines anywhere else."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rooftree_local.steps import Reporter


class Plain:
    """One line for each thing that happens; nothing for a step that was done before."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def begin(self, number: int, total: int, name: str) -> None:
        self._print(f"[{number}/{total}] {name} …")

    def detail(self, text: str) -> None:
        self._print(f"        {text}")

    def done(self, name: str, seconds: float) -> None:
        self._print(f"        {name} done in {seconds:.1f} s")

    def unchanged(self, name: str) -> None:
        pass

    def skipped(self, name: str, reason: str) -> None:
        self._print(f"        {name} left out: {reason}")

    def failed(self, name: str, seconds: float) -> None:
        self._print(f"        {name} FAILED after {seconds:.1f} s")


class Bar:
    """A progress bar over all steps, the present step's name and elapsed time below the finished ones."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._all = progress.add_task("rooftree", total=total, detail="")
        self._name = ""

    def begin(self, number: int, total: int, name: str) -> None:
        self._name = name
        self._progress.update(self._all, completed=number - 1, description=name, detail="")

    def detail(self, text: str) -> None:
        self._progress.update(self._all, detail=text)

    def _line(self, text: str) -> None:
        self._progress.console.print(text)
        self._progress.update(self._all, advance=1, detail="")

    def done(self, name: str, seconds: float) -> None:
        self._line(f"[green]✓[/] {escape(name)} [dim]{seconds:.1f} s[/]")

    def unchanged(self, name: str) -> None:
        self._line(f"[dim]✓ {escape(name)} (as before)[/]")

    def skipped(self, name: str, reason: str) -> None:
        self._line(f"[yellow]·[/] {escape(name)} [dim]left out: {escape(reason)}[/]")

    def failed(self, name: str, seconds: float) -> None:
        self._progress.console.print(f"[red]✗ {escape(name)}[/] [dim]{seconds:.1f} s[/]")


@contextmanager
def reporter(total: int, console: Console | None = None) -> Iterator[Reporter]:
    """The reporter that suits where the output goes."""
    console = console or Console()
    if not console.is_terminal:
        yield Plain(console)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[detail]}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield Bar(progress, total)
