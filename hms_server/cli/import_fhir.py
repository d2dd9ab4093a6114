"""`hms import-fhir PATH...`: brings the patients of FHIR R4 files in through the API.

Safe to run again: a patient that is there already is compared, and changed only where it differs.
"""

from __future__ import annotations

import argparse
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from hms.patient.v1 import patient_pb2_grpc
from hms_server import config
from hms_server.cli import client as clients
from hms_server.errors import ConfigError
from hms_server.fhir.calls import Calls, Refusal
from hms_server.fhir.importer import Importer, Report
from hms_server.fhir.reader import SUFFIXES, File, find_files
from hms_server.fhir.registry import Outcome, Registry

_THREADS = 4
_MOST_THREADS = 32
# How often a log is told that the import goes on.
_PLAIN_SECONDS = 5.0


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's arguments."""
    parser = subparsers.add_parser(
        "import-fhir",
        help="import patients from FHIR R4 files",
        description="Signs in as HMS_USER of HMS_TENANT. A large import waits for the hospital's rate "
        "limits: raise them for its time (tenants, rate_limits).",
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
        "--threads", type=int, default=_THREADS, choices=range(1, _MOST_THREADS + 1), metavar="N"
    )


def _source(text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", text) is None:
        raise argparse.ArgumentTypeError("letters, digits, '.', '_' and '-', 64 at most")
    return text


def run(arguments: argparse.Namespace) -> int:
    """Runs the command."""
    settings = config.load()
    settings.require("grpc_target", "tenant", "user", "password")
    files = find_files(arguments.paths)
    display = _Display(len(files))
    stop = threading.Event()
    try:
        client = clients.sign_in(settings)
    except grpc.RpcError as error:
        raise ConfigError(f"cannot sign in: {clients.describe(error)}") from None
    with client:
        calls = Calls(stop, display.waiting)
        try:
            registry = Registry(
                patient_pb2_grpc.PatientServiceStub(client.channel), calls, arguments.source or ""
            )
        except Refusal as refusal:
            raise ConfigError(str(refusal)) from None
        report = _import(registry, stop, files, arguments.threads, display)
    display.summary(report)
    return 0 if report.is_whole else 1


def _import(
    registry: Registry, stop: threading.Event, files: list[File], threads: int, display: _Display
) -> Report:
    importer = Importer(
        registry, stop, threads=threads, on_progress=display.progress, on_rejected=display.rejected
    )
    with display.live():
        return importer.run(files)


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
            self._bar, self._task = bar, bar.add_task("Importing patients", total=self._files)
            yield
        self._bar = None

    def progress(self, report: Report) -> None:
        """Something was done."""
        patients = sum(report.outcomes.values())
        if self._bar is not None:
            self._bar.update(
                self._task, completed=report.files, description=f"Importing patients: {patients}"
            )
        elif time.monotonic() - self._told >= _PLAIN_SECONDS:
            self._told = time.monotonic()
            self._say(f"{report.files} of {self._files} files read, {patients} patients taken over")

    def rejected(self, line: str) -> None:
        """A record or file was rejected."""
        self._say(f"rejected: {line}")

    def waiting(self, seconds: float) -> None:
        """The server asked for a pause."""
        if seconds >= 1:
            self._say(f"waiting {seconds:.0f} s: the hospital's rate limit is reached")

    def summary(self, report: Report) -> None:
        """How it ended."""
        table = Table(show_header=True, header_style="bold")
        table.add_column("Patients")
        table.add_column("Number", justify="right")
        for outcome in Outcome:
            table.add_row(outcome.value, str(report.outcomes[outcome]))
        table.add_row("rejected", str(report.rejected))
        self._console.print(table)
        if report.skipped:
            kinds = ", ".join(f"{kind} {number}" for kind, number in report.skipped.most_common())
            self._say(f"skipped, as only patients are imported: {kinds}")
        if report.left_out:
            paths = ", ".join(f"{path} {number}" for path, number in report.left_out.most_common())
            self._say(f"left out, as HMS has no place for it or it says nothing: {paths}")
        if report.ended_by:
            print(f"hms import-fhir: stopped before the end: {report.ended_by}", file=sys.stderr)

    def _say(self, line: str) -> None:
        self._console.print(Text(line))
