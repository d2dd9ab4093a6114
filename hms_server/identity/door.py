"""What the gate knows of callers without an access token, for when identity has seen whom their token is of.

Log-ins name their account, so the edge asks before they are served. Refresh and reset tokens hold theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Door(NamedTuple):
    """Two questions to the gate."""

    # Tenant and address; raises AddressDenied by the tenant's rules.
    admit: Callable[[str, str], None]
    # Account and address of a token that proved wrong; raises RateLimited where there were too many for the
    # account, wherever from.
    count_wrong: Callable[[str, str], object]
