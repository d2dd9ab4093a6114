"""Files of FHIR resources as what is sent: bundles. JSON and NDJSON, plain or gzipped.

A JSON file is sent as it is. Of NDJSON each line that is a bundle is one; lines of single resources, as
FHIR's bulk export writes them, go together into bundles of up to a thousand. A file or line that is
broken is an item of its own kind, so that the others go on.
"""

from __future__ import annotations

import dataclasses
import gzip
import os
import re
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

import orjson

from hms_server.errors import ConfigError

SUFFIXES = (".json", ".ndjson", ".json.gz", ".ndjson.gz")
# What the server takes of one bundle.
MOST_BYTES = 64 * 1024 * 1024
PIECE_BYTES = 256 * 1024
MOST_LINES = 1000
# Of lines that go together; one that is longer goes alone.
_GROUP_BYTES = 8 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_PEEK_BYTES = 64 * 1024
_HEAD, _TAIL = b'{"resourceType":"Bundle","type":"collection","entry":[', b"]}"
_ENTRY_START, _ENTRY_END = b'{"resource":', b"}"
_PLACE = re.compile(r"entry\[(\d+)\](?:\.resource)?\.?")
# Types that others refer to, in the order in which they must come. What is not named comes last.
_ORDER = (
    ("Bundle",),
    ("Organization",),
    ("Location",),
    ("Practitioner",),
    ("PractitionerRole",),
    ("Patient",),
    ("Encounter",),
    ("Observation",),
    ("Condition",),
)


@dataclasses.dataclass(frozen=True)
class File:
    """A file, the name it goes by in messages, and its place in the order: those of one rank do not
    refer to each other."""

    path: Path
    name: str
    rank: int = 0


class Parcel:
    """One bundle to be sent, in pieces."""

    def __init__(self, name: str, pieces: list[bytes]) -> None:
        self.name = name
        self.pieces = pieces

    def place(self, path: str) -> str:
        """A place of the bundle for the reader's eye: "a.json: entry[4].resource.birthDate"."""
        return f"{self.name}: {path}" if path else self.name


class Group(Parcel):
    """Single resources that go together; `lines` are the numbers of their lines."""

    def __init__(self, name: str, lines: Sequence[int], texts: Sequence[bytes]) -> None:
        entries = b",".join(_ENTRY_START + text + _ENTRY_END for text in texts)
        super().__init__(name, list(_cut(_HEAD + entries + _TAIL)))
        self.lines = lines
        self._texts = texts

    def entry(self, path: str) -> int | None:
        """Which of the resources a path is about."""
        match = _PLACE.match(path)
        return int(match[1]) if match and int(match[1]) < len(self.lines) else None

    def place(self, path: str) -> str:
        """A place of a line: "a.ndjson:7: birthDate"."""
        entry = self.entry(path)
        if entry is None:
            return super().place(path)
        return Parcel(f"{self.name}:{self.lines[entry]}", []).place(_PLACE.sub("", path, count=1))

    def without(self, entries: Collection[int | None]) -> Group | None:
        """The others; None where none is left."""
        left = [i for i in range(len(self.lines)) if i not in entries]
        if not left:
            return None
        return Group(self.name, [self.lines[i] for i in left], [self._texts[i] for i in left])


@dataclasses.dataclass(frozen=True)
class Broken:
    """What cannot be read, and why."""

    place: str
    text: str


def find_files(paths: Iterable[str]) -> list[File]:
    """The files that the paths mean, so that what is referred to comes before what refers to it.

    Files of a rank are in the order of the paths, those of a folder in order of their names. Raises
    ConfigError where a path leads nowhere.
    """
    found: list[File] = []
    for given in paths:
        path = Path(given)
        if path.is_dir():
            inside = sorted(_walk(path))
            if not inside:
                raise ConfigError(f"{given} holds no file that ends in {', '.join(SUFFIXES)}")
            found += [File(file, _shown(file.relative_to(path)), _rank(file)) for file in inside]
        elif not path.exists():
            raise ConfigError(f"{given} does not exist")
        elif not path.name.lower().endswith(SUFFIXES):
            raise ConfigError(f"{given} does not end in {', '.join(SUFFIXES)}")
        else:
            found.append(File(path, _shown(Path(path.name)), _rank(path)))
    return sorted(found, key=lambda file: file.rank)


def read(file: File) -> Iterator[Parcel | Broken]:
    """Every bundle of a file."""
    try:
        with _open(file.path) as stream:
            yield from _lines(file, stream) if _is_lines(file.path) else _whole(file, stream)
    except EOFError:
        yield Broken(file.name, "the gzip file ends too early: it was cut off")
    except (gzip.BadGzipFile, zlib.error) as error:
        yield Broken(file.name, f"no good gzip file: {error}")
    except OSError as error:
        yield Broken(file.name, f"cannot be read: {error.strerror or error}")


def _is_lines(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(".ndjson")


def _rank(path: Path) -> int:
    """The place of a file of lines: that of its first line's type. What is broken is told later."""
    if not _is_lines(path):
        return 0
    try:
        with _open(path) as stream:
            first = orjson.loads(stream.readline(_PEEK_BYTES).removeprefix(_BOM))
        kind = first["resourceType"]
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError):
        return len(_ORDER)
    return next((rank for rank, kinds in enumerate(_ORDER) if kind in kinds), len(_ORDER))


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


def _whole(file: File, stream: IO[bytes] | gzip.GzipFile) -> Iterator[Parcel | Broken]:
    # Read to its end before it is sent: a file that was cut off sends nothing.
    pieces: list[bytes] = []
    size = 0
    while piece := stream.read(PIECE_BYTES):
        size += len(piece)
        if size > MOST_BYTES:
            yield Broken(file.name, f"larger than {MOST_BYTES >> 20} MiB: split it, or make it NDJSON")
            return
        pieces.append(piece)
    yield Parcel(file.name, pieces)


def _lines(file: File, stream: IO[bytes] | gzip.GzipFile) -> Iterator[Parcel | Broken]:
    numbers: list[int] = []
    texts: list[bytes] = []
    size = 0
    for number, line in enumerate(_each_line(stream), 1):
        place = f"{file.name}:{number}"
        if line is None:
            yield Broken(place, f"the line is longer than {MOST_BYTES >> 20} MiB")
            break
        if not line:
            continue
        kind = _kind(line)
        if isinstance(kind, Broken):
            yield Broken(place, kind.text)
        elif kind == "Bundle":
            yield Parcel(place, list(_cut(line)))
        else:
            if texts and (len(texts) == MOST_LINES or size + len(line) > _GROUP_BYTES):
                yield Group(file.name, numbers, texts)
                numbers, texts, size = [], [], 0
            numbers.append(number)
            texts.append(line)
            size += len(line)
    if texts:
        yield Group(file.name, numbers, texts)


def _each_line(stream: IO[bytes] | gzip.GzipFile) -> Iterator[bytes | None]:
    """The lines without what surrounds them; None for one that is too long, which ends them."""
    while line := stream.readline(MOST_BYTES + 1):
        if len(line) > MOST_BYTES:
            yield None
            return
        yield line.removeprefix(_BOM).strip()


def _kind(line: bytes) -> str | Broken:
    try:
        content = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return Broken("", f"no JSON: {error.msg} (column {error.colno})")
    kind = content.get("resourceType") if isinstance(content, dict) else None
    return kind if isinstance(kind, str) else Broken("", "no FHIR: it has no resourceType")


def _cut(text: bytes) -> Iterator[bytes]:
    for start in range(0, len(text), PIECE_BYTES):
        yield text[start : start + PIECE_BYTES]
