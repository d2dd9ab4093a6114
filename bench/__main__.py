"""`scripts/bench [NAME ...] [--json FILE]`: measures a fresh system of real parts and prints a table."""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import grpc

from bench import (
    audit_drain,
    booking,
    bundle_import,
    h2load,
    hot_path,
    pagination,
    record,
    revocation,
    search,
    system,
)
from bench.errors import BenchError
from bench.figures import Figures
from bench.system import Sizes, System
from hms_server.devstack.errors import StackError

# In the order they run in: what needs no large hospital comes before there is one.
BENCHES: dict[str, Callable[[System], Figures]] = {
    "hot_path": hot_path.run,
    "audit_drain": audit_drain.run,
    "import": bundle_import.run,
    "record": record.run,
    "revocation": revocation.run,
    "booking": booking.run,
    "search": search.run,
    "pagination": pagination.run,
}
Measured = dict[str, Figures]
# Figures that are no matter of speed: anything else than this is a fault.
_MUST_BE = {
    "lost": 0,
    "doubled": 0,
    "strange": 0,
    "verified": 1,
    "found": 1,
    "statements": 1,
    "served_late": 0,
    "over_booked": 0,
    "under_booked": 0,
    "token_gaps": 0,
    "token_doubles": 0,
}


def main(arguments: Sequence[str]) -> int:
    """Runs the benches asked for; 0 only if every one ran and found the system right."""
    options = _parse(arguments)
    sizes = Sizes(**{field.name: getattr(options, field.name) for field in dataclasses.fields(Sizes)})
    names = [name for name in BENCHES if not options.names or name in options.names]
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - started:7.1f} s] {text}", file=sys.stderr, flush=True)

    try:
        if "hot_path" in names:
            h2load.check_installed()
        figures = _measure(names, sizes, say)
    except (BenchError, StackError) as error:
        print(f"scripts/bench: {error}", file=sys.stderr)
        return 1
    except grpc.RpcError as error:
        print(f"scripts/bench: a call failed: {_describe(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(table(figures))
    return 1 if faults(figures) else 0


def table(figures: Measured) -> str:
    """The figures, one a line."""
    flat = {bench: _flat(found) for bench, found in figures.items()}
    width = max(len(name) for found in flat.values() for name in found)
    lines = []
    for bench, found in flat.items():
        lines.append(bench)
        lines += [f"  {name:<{width}}  {value:>12,}" for name, value in found.items()]
    lines += [f"WRONG: {fault}" for fault in faults(figures)]
    return "\n".join(lines)


def _flat(figures: Figures) -> dict[str, float]:
    """Figures without groups: `encounter.ratio`."""
    flat: dict[str, float] = {}
    for name, value in figures.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{part}": number for part, number in value.items()}
        else:
            flat[name] = value
    return flat


def faults(figures: Measured) -> list[str]:
    """What the benches found to be wrong, apart from all speed."""
    return [
        f"{bench}: {name} is {found[name]}, not {right}"
        for bench, found in figures.items()
        for name, right in _MUST_BE.items()
        if name in found and found[name] != right
    ]


def _measure(names: Sequence[str], sizes: Sizes, say: Callable[[str], None]) -> Measured:
    with system.fresh(sizes, say) as running:
        figures: Measured = {}
        for name in names:
            say(f"{name} begins")
            figures[name] = BENCHES[name](running)
        say("stopping the system")
    return figures


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measures a fresh system on temporary data. Needs this machine for itself.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}; none: all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    helps = {
        "rows": "patients of the large hospital",
        "small_rows": "patients of the small hospital",
        "calls": "hot_path: calls of one round",
        "rounds": "hot_path: rounds",
        "messages": "hot_path: different patients, one h2load for each",
        "pages": "pagination: calls of each page and order",
        "queries": "search: queries of each kind",
        "events": "audit_drain: records of each filling",
        "encounters": "record: encounters of the large store",
        "small_encounters": "record: encounters of the small store",
        "charts": "record: calls of each method and store",
        "bundles": "import: bundles",
        "entries": "import: resources of the largest bundle",
        "trials": "revocation: times a role is withdrawn",
        "turns": "booking: rounds of each capacity, and of tokens",
        "seed": "what the patients are made from",
        "processes": "processes that make patients",
    }
    for field in dataclasses.fields(Sizes):
        parser.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=_positive,
            default=field.default,
            metavar="N",
            help=f"{helps[field.name]} ({field.default:,})",
        )
    options = parser.parse_intermixed_args(arguments)
    for name in options.names:
        if name not in BENCHES:
            parser.error(f"there is no bench {name}: the names are {', '.join(BENCHES)}")
    return options


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _describe(error: grpc.RpcError) -> str:
    if isinstance(error, grpc.Call):
        return f"{error.code().name}: {error.details()}"
    return str(error)


def _interrupted(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    # Stop in order at SIGTERM, too.
    signal.signal(signal.SIGTERM, _interrupted)
    sys.exit(main(sys.argv[1:]))
