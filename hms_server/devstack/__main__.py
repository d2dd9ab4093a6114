"""`scripts/run`: starts the whole system on `.hms/` and serves until Ctrl-C, or checks it."""

import argparse
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hms_server.devstack import tour, welcome
from hms_server.devstack.errors import StackError
from hms_server.devstack.ports import Ports
from hms_server.devstack.progress import Progress
from hms_server.devstack.stack import Stack

CHECKOUT = Path(__file__).parents[2]
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
MOST_WORKERS = 64
# What a shell answers for a command that Ctrl-C ended.
INTERRUPTED = 130


class Stopped(BaseException):
    """A signal asked for the end. No Exception, like KeyboardInterrupt: nothing must swallow it."""


def main(arguments: list[str]) -> int:
    """Run as asked; answers the exit status."""
    options = parse(arguments)
    progress = Progress()
    for number in STOP_SIGNALS:
        signal.signal(number, _stop_once)
    try:
        for path in options.fhir:
            if not path.exists():
                raise StackError(f"There is no {path} to import.")
        return check(options, progress) if options.check else serve(options, progress)
    except StackError as error:
        progress.end_line()
        print(error, file=sys.stderr)
        return 1
    except Stopped:
        progress.end_line()
        return INTERRUPTED


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options of `scripts/run`."""
    usual = ", ".join(f"{name} {port}" for name, port in Ports().items())
    parser = argparse.ArgumentParser(
        prog="scripts/run",
        description="Starts PostgreSQL, Redis, the HMS servers and workers and the Envoy gateway.",
        epilog=f"The usual ports: {usual}.",
    )
    parser.add_argument("--workers", type=_worker_count, default=2, metavar="N", help="server processes (2)")
    parser.add_argument(
        "--check",
        action="store_true",
        help="start on fresh temporary data and free ports, take a guided tour, stop",
    )
    parser.add_argument(
        "--fhir",
        type=Path,
        action="append",
        default=[],
        metavar="PATH",
        help="import the patients of a FHIR bundle or of a folder of bundles (repeatable)",
    )
    parser.add_argument(
        "--port",
        type=_port_choice,
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="another port for one server, such as rest=8081 (repeatable)",
    )
    parser.add_argument(
        "--port-offset",
        type=int,
        default=0,
        metavar="N",
        help="add N to every usual port, for a second checkout on this machine",
    )
    return parser.parse_args(arguments)


def serve(options: argparse.Namespace, progress: Progress) -> int:
    """Start on the checkout's own data and serve until a signal."""
    ports = Ports().shifted(options.port_offset).chosen(dict(options.port))
    progress.say("Starting HMS")
    with _stopping(
        Stack(CHECKOUT / ".hms", ports=ports, workers=options.workers, progress=progress), progress
    ) as stack:
        stack.start(samples=True, fhir=options.fhir)
        progress.say(welcome.render(stack.env, stack.layout.environment))
        try:
            threading.Event().wait()
        except Stopped:
            progress.say("")
    return 0


def check(options: argparse.Namespace, progress: Progress) -> int:
    """Start on temporary data, take the tour, stop; 0 only if every step held."""
    folder = Path(tempfile.mkdtemp(prefix="hms-check-"))
    held = False
    try:
        progress.say("Starting HMS on temporary data")
        with _stopping(Stack(folder, workers=options.workers, progress=progress), progress) as stack:
            stack.start(samples=True, fhir=options.fhir)
            progress.say("")
            held = tour.run(stack.env, stack.environment.platform_sign_in())
            progress.say("")
    finally:
        # The logs of a check that failed are kept, to see why.
        if held:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            for path in folder.iterdir():
                if path.name != "logs":
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            progress.say(f"  The logs of this run are in {folder / 'logs'}")
    progress.say("Every step held." if held else "Some steps failed.")
    return 0 if held else 1


@contextmanager
def _stopping(stack: Stack, progress: Progress) -> Iterator[Stack]:
    try:
        yield stack
    finally:
        with progress.step("Stopping"):
            stack.stop()


def _stop_once(_number: int, _frame: object) -> None:
    """Ask for the end once: a second signal must not disturb the stop, which has its own limits."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise Stopped


def _worker_count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"must be from 1 to {MOST_WORKERS}")
    return number


def _port_choice(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    return name, int(number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
