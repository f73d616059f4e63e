"""Data on stdout, as tables or JSON; talk on stderr. Knows values, not commands."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from stylefacet.errors import StylefacetError

# Off a terminal nothing is cut: whoever reads a pipe wants the whole cell.
_PIPE_WIDTH = 10_000


def jsonable(value: Any) -> Any:
    """Returns a value of the client as what JSON can hold; bytes are left out."""
    if isinstance(value, StylefacetError):
        return {"reason": value.reason, "message": value.message}
    if is_dataclass(value) and not isinstance(value, type):
        pairs = ((f.name, getattr(value, f.name)) for f in fields(value))
        return {name: jsonable(v) for name, v in pairs if not isinstance(v, bytes)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): jsonable(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(v) for v in value]
    return value


def write_json(value: Any) -> None:
    """Prints one JSON document."""
    click.echo(json.dumps(jsonable(value), indent=2, ensure_ascii=False))


def write_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()
) -> None:
    """Prints a table; the columns named in ``right`` are set to the right."""
    console = Console() if sys.stdout.isatty() else Console(width=_PIPE_WIDTH)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left")
    for row in rows:
        # Text, so that square brackets in names are not taken for markup.
        table.add_row(*(Text(cell) for cell in row))
    with console.capture() as capture:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in capture.get().rstrip("\n").split("\n")))


def write_facts(facts: Mapping[str, str]) -> None:
    """Prints names and values, one a line; blank values are left out."""
    width = max((len(name) for name, value in facts.items() if value), default=0)
    for name, value in facts.items():
        if value:
            click.echo(f"{name:<{width}}  {value}")


def tell(message: str) -> None:
    """Says something to the person at the terminal."""
    click.echo(message, err=True)


def progress_bar(label: str, total: int) -> "ProgressBar":
    """Returns a bar that is drawn on stderr when that is a terminal, and only then."""
    return ProgressBar(label, total)


class ProgressBar(AbstractContextManager["ProgressBar"]):
    """A progress bar; :meth:`advance` it."""

    def __init__(self, label: str, total: int) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=False,
        )
        self._task = self._progress.add_task(label, total=total, rate="")

    def __enter__(self) -> "ProgressBar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, label: str, done: int, total: int) -> None:
        """Sets the bar to where someone else's work is."""
        self._progress.update(self._task, description=label, completed=done, total=total)

    def advance(self) -> None:
        """Counts one more."""
        speed = self._progress.tasks[0].speed
        rate = f"{speed:.0f}/s" if speed else ""
        self._progress.update(self._task, advance=1, rate=rate)
