"""`hms import-fhir PATH...`: brings the records of FHIR R4 files in through the API.

Safe to run again, also where a run was interrupted: what was taken over is known again, and changed only
where the file differs.
"""

from __future__ import annotations

import argparse
import re
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import grpc
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from hms.fhir.v1 import fhir_pb2_grpc
from hms_server import config
from hms_server.cli import client as clients
from hms_server.errors import ConfigError
from hms_server.fhir.courier import Courier, Report
from hms_server.fhir.reader import SUFFIXES, find_files
from hms_server.fhir.upload import Uploader

_WORKERS = 2
_MOST_WORKERS = 32
# How often a log is told that the import goes on.
_PLAIN_SECONDS = 5.0
_OUTCOMES = ("created", "updated", "unchanged")
_INTERRUPTED = 130


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's arguments."""
    parser = subparsers.add_parser(
        "import-fhir",
        help="import FHIR R4 files",
        description="Signs in as HMS_USER of HMS_TENANT. Each bundle is taken over whole or not at all. An "
        "import that was interrupted is run again: what is there already is left alone.",
        epilog="Exit status: 0 all was taken over, 1 something was rejected, 2 wrong configuration.",
    )
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help=f"a folder, or a file ({', '.join(SUFFIXES)})"
    )
    parser.add_argument(
        "--source",
        type=_source,
        metavar="NAME",
        help="where the files come from; keeps the resource ids of several systems apart",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=_WORKERS,
        choices=range(1, _MOST_WORKERS + 1),
        metavar="N",
        help=f"bundles sent at once ({_WORKERS})",
    )


def _source(text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", text) is None:
        raise argparse.ArgumentTypeError("letters, digits, '.', '_' and '-', 64 at most")
    return text


def run(arguments: argparse.Namespace) -> int:
    """Runs the command."""
    settings = config.load(serving=False)
    settings.require("grpc_target", "tenant", "user", "password")
    files = find_files(arguments.paths)
    display = _Display(len(files))
    stop = threading.Event()
    try:
        client = clients.sign_in(settings)
    except grpc.RpcError as error:
        raise ConfigError(f"cannot sign in: {clients.describe(error)}") from None
    with client:
        stub = fhir_pb2_grpc.FhirServiceStub(client.channel)
        courier = Courier(
            Uploader(stub, arguments.source or "", stop, display.waiting),
            stop,
            workers=arguments.workers,
            on_progress=display.progress,
            on_rejected=display.rejected,
            on_stop=client.close,
        )
        try:
            with display.live():
                courier.run(files)
        except KeyboardInterrupt:
            courier.report.ended_by = "interrupted; run it again to go on"
            display.summary(courier.report)
            return _INTERRUPTED
    display.summary(courier.report)
    return 0 if courier.report.is_whole else 1


class _Display:
    """What the operator sees: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self, files: int) -> None:
        self._console = Console(soft_wrap=True, highlight=False)
        self._files = files
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._told = time.monotonic()

    @contextmanager
    def live(self) -> Iterator[None]:
        """While the import runs."""
        if not self._console.is_terminal:
            yield
            return
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("files"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        with bar:
            self._bar, self._task = bar, bar.add_task("Importing", total=self._files)
            yield
        self._bar = None

    def progress(self, report: Report) -> None:
        """Something was done."""
        if self._bar is not None:
            self._bar.update(
                self._task, completed=report.files, description=f"Importing: {report.resources} resources"
            )
        elif time.monotonic() - self._told >= _PLAIN_SECONDS:
            self._told = time.monotonic()
            self._say(f"{report.files} of {self._files} files read, {report.resources} resources taken over")

    def rejected(self, line: str) -> None:
        """A bundle, line or file was rejected."""
        self._say(f"rejected: {line}")

    def waiting(self, seconds: float) -> None:
        """The server asked for a pause."""
        if seconds >= 1:
            self._say(f"waiting {seconds:.0f} s: the hospital's rate limit is reached")

    def summary(self, report: Report) -> None:
        """How it ended."""
        table = Table(show_header=True, header_style="bold")
        table.add_column("Type")
        for outcome in _OUTCOMES:
            table.add_column(outcome, justify="right")
        types = sorted({kind for kind, _ in report.counts})
        for kind in types:
            table.add_row(kind, *(str(report.counts[kind, outcome]) for outcome in _OUTCOMES))
        totals = [sum(report.counts[kind, outcome] for kind in types) for outcome in _OUTCOMES]
        table.add_section()
        table.add_row("all", *map(str, totals))
        self._console.print(table)
        if report.skipped:
            self._say(f"skipped, as HMS does not keep these types: {_listed(report.skipped)}")
        if report.left_out:
            self._say(f"left out, as HMS has no place for it: {_listed(report.left_out)}")
        if report.rejected:
            self._say(f"rejected: {report.rejected}, for the reasons above; nothing of them was taken over")
        if report.ended_by:
            print(f"hms import-fhir: stopped before the end: {report.ended_by}", file=sys.stderr)

    def _say(self, line: str) -> None:
        self._console.print(Text(line))


def _listed(numbers: Mapping[str, int]) -> str:
    ordered = sorted(numbers.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{name} {number}" for name, number in ordered)
