"""Structured logs: one JSON object a line on standard error. Fields are chosen, never dumped.

Messages and fields hold ids, names of methods and codes; never request bodies, names, addresses of
patients, SQL or tokens.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import orjson

from hms_server import clock


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": clock.now().isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[0] is not None:
            # The trace names code; the exception's own text can quote values of a row.
            line["exception"] = record.exc_info[0].__name__
            line["trace"] = _frames(record.exc_info[2])
        return orjson.dumps(line, default=str).decode()


def _frames(traceback: Any) -> list[str]:
    frames = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append(f"{code.co_filename}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return frames[-12:]


def configure(level: str) -> None:
    """Sends the whole process's log to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def event(logger: logging.Logger, level: int, message: str, **fields: Any) -> None:
    """Logs `message` with fields."""
    if logger.isEnabledFor(level):
        logger.log(level, message, extra={"fields": fields})
