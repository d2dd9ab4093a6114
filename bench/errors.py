"""What stops a bench: told in one line, without a trace."""

from __future__ import annotations


class BenchError(Exception):
    """A bench cannot run here, or what it measured is not what it says it measures."""
