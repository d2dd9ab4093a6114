"""What every room asks of texts."""

from __future__ import annotations

import re

# Control characters but tab, line feed and carriage return, which addresses and notes may hold.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def has_control_characters(text: str) -> bool:
    """Whether `text` holds characters that no person types."""
    return _CONTROL.search(text) is not None
