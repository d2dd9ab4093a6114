"""Reads FHIR resources from files: JSON and NDJSON, plain or gzipped; bundles and single resources.

One file is in memory at a time (of NDJSON, one line), and a bundle's entries leave it one by one. A
file that is broken is an item of its own kind, so that the others go on.
"""

from __future__ import annotations

import dataclasses
import gzip
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import orjson

from hms_server.errors import ConfigError

SUFFIXES = (".json", ".ndjson", ".json.gz", ".ndjson.gz")
# Of JSON text; as Python objects it takes several times that.
MOST_BYTES = 256 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_DEEPEST_BUNDLE = 4


@dataclasses.dataclass(frozen=True)
class Place:
    """Where something stands: a file (and line), and a path inside its JSON."""

    file: str
    path: str = ""

    def at(self, path: str) -> str:
        """One place for the reader's eye: "a.json: entry[4].resource.birthDate"."""
        whole = f"{self.path}.{path}" if self.path and path else self.path or path
        return f"{self.file}: {whole}" if whole else self.file


@dataclasses.dataclass(frozen=True)
class Resource:
    """A resource of any type."""

    place: Place
    type: str
    content: dict[str, Any]
    full_url: str = ""


@dataclasses.dataclass(frozen=True)
class Broken:
    """What cannot be read."""

    place: Place
    text: str


@dataclasses.dataclass(frozen=True)
class File:
    """A file and the name it goes by in messages."""

    path: Path
    name: str


def find_files(paths: Iterable[str]) -> list[File]:
    """The files that the paths mean, those of a folder in order of their names.

    Raises ConfigError where a path leads nowhere.
    """
    found: list[File] = []
    for given in paths:
        path = Path(given)
        if path.is_dir():
            inside = sorted(_walk(path))
            if not inside:
                raise ConfigError(f"{given} holds no file that ends in {', '.join(SUFFIXES)}")
            found += [File(file, _shown(file.relative_to(path))) for file in inside]
        elif not path.exists():
            raise ConfigError(f"{given} does not exist")
        elif not path.name.lower().endswith(SUFFIXES):
            raise ConfigError(f"{given} does not end in {', '.join(SUFFIXES)}")
        else:
            found.append(File(path, _shown(Path(path.name))))
    return found


def read(file: File) -> Iterator[Resource | Broken]:
    """Every resource of a file."""
    is_lines = file.path.name.lower().removesuffix(".gz").endswith(".ndjson")
    try:
        with _open(file.path) as stream:
            yield from _lines(file, stream) if is_lines else _whole(file, stream)
    except EOFError:
        yield Broken(Place(file.name), "the gzip file ends too early: it was cut off")
    except (gzip.BadGzipFile, zlib.error) as error:
        yield Broken(Place(file.name), f"no good gzip file: {error}")
    except OSError as error:
        yield Broken(Place(file.name), f"cannot be read: {error.strerror or error}")


def _open(path: Path) -> IO[bytes] | gzip.GzipFile:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rb")
    return open(path, "rb")


def _walk(folder: Path) -> Iterator[Path]:
    for here, _, names in os.walk(folder):
        for name in names:
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                yield Path(here, name)


def _shown(path: Path) -> str:
    """A path for messages; file names may hold any byte."""
    text = os.fsencode(path).decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _whole(file: File, stream: IO[bytes] | gzip.GzipFile) -> Iterator[Resource | Broken]:
    text = stream.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        yield Broken(Place(file.name), f"larger than {MOST_BYTES >> 20} MiB: split it, or make it NDJSON")
        return
    yield from _parsed(Place(file.name), text)


def _lines(file: File, stream: IO[bytes] | gzip.GzipFile) -> Iterator[Resource | Broken]:
    number = 0
    while line := stream.readline(MOST_BYTES + 1):
        number += 1
        place = Place(f"{file.name}:{number}")
        if len(line) > MOST_BYTES:
            yield Broken(place, f"the line is longer than {MOST_BYTES >> 20} MiB")
            return
        if line.strip():
            yield from _parsed(place, line)


def _parsed(place: Place, text: bytes) -> Iterator[Resource | Broken]:
    try:
        content = orjson.loads(text.removeprefix(_BOM))
    except orjson.JSONDecodeError as error:
        yield Broken(place, f"no JSON: {error.msg} (line {error.lineno}, column {error.colno})")
        return
    yield from _resources(place, content, "", 0)


def _resources(place: Place, content: Any, full_url: str, depth: int) -> Iterator[Resource | Broken]:
    kind = content.get("resourceType") if isinstance(content, dict) else None
    if not isinstance(kind, str) or not (kind.isascii() and kind.isalpha()):
        yield Broken(place, "no FHIR resource: it has no resourceType")
    elif kind != "Bundle":
        yield Resource(place, kind, content, full_url)
    elif depth == _DEEPEST_BUNDLE:
        yield Broken(place, "bundles in bundles, too deep")
    else:
        yield from _entries(place, content, depth)


def _entries(place: Place, bundle: dict[str, Any], depth: int) -> Iterator[Resource | Broken]:
    if bundle.get("type") == "history":
        # The same record many times, with its deletion: none of them is simply "the" record.
        yield Broken(place, "a history bundle holds old versions: export a searchset or a collection")
        return
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        yield Broken(Place(place.file, _join(place.path, "entry")), "no list")
        return
    for i, entry in enumerate(entries):
        entries[i] = None  # its memory is free once it has been dealt with
        inside = Place(place.file, _join(place.path, f"entry[{i}]"))
        if not isinstance(entry, dict):
            yield Broken(inside, "no object")
        elif entry.get("resource") is not None:
            full_url = entry.get("fullUrl")
            yield from _resources(
                Place(place.file, f"{inside.path}.resource"),
                entry["resource"],
                full_url if isinstance(full_url, str) else "",
                depth + 1,
            )


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
