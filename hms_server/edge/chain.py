"""The interceptors in their order. A test checks it against DESIGN's words.

Outermost first. Request id and trace come before everything that is written down; metrics and log
see the mapped status; what can refuse stands inside error mapping; a refused address gets no further
work; who one is comes before how often one may call, that before what one may do, and only then is the
request itself looked at.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from hms_server.edge.bound import BoundMethod, Handler, Interceptor
from hms_server.edge.interceptors.addresses import AddressInterceptor
from hms_server.edge.interceptors.authentication import AuthenticationInterceptor, Verifier
from hms_server.edge.interceptors.authorization import AuthorizationInterceptor, Directory
from hms_server.edge.interceptors.deadline import DeadlineInterceptor
from hms_server.edge.interceptors.errors import Denials, ErrorInterceptor
from hms_server.edge.interceptors.gate import GateInterceptor
from hms_server.edge.interceptors.log import LogInterceptor
from hms_server.edge.interceptors.metrics import MetricsInterceptor
from hms_server.edge.interceptors.request_id import RequestIdInterceptor
from hms_server.edge.interceptors.share import ShareInterceptor
from hms_server.edge.interceptors.validation import ValidationInterceptor
from hms_server.edge.known import KnownTokens
from hms_server.edge.stream import MustGiveWay, nobody_waits
from hms_server.gate.addresses import AddressBook
from hms_server.gate.gate import Gate


@dataclasses.dataclass(frozen=True, slots=True)
class ChainParts:
    """What the interceptors need."""

    verifier: Verifier
    gate: Gate
    addresses: AddressBook
    tenant_of: Callable[[str], str]
    directory: Directory
    denials: Denials
    known: KnownTokens
    nudge: Callable[[str], None]
    deadline_ceiling_seconds: float
    nudge_mail: Callable[[str], None] | None = None
    must_give_way: MustGiveWay = nobody_waits


def build(parts: ChainParts) -> tuple[Interceptor, ...]:
    """The chain, outermost first."""
    return (
        RequestIdInterceptor(),
        MetricsInterceptor(),
        LogInterceptor(),
        ErrorInterceptor(parts.denials, parts.nudge, parts.nudge_mail),
        DeadlineInterceptor(parts.deadline_ceiling_seconds),
        AddressInterceptor(parts.addresses),
        AuthenticationInterceptor(parts.verifier, parts.gate.strangers.report_failure),
        ShareInterceptor(parts.known),
        GateInterceptor(parts.gate, parts.addresses, parts.tenant_of),
        AuthorizationInterceptor(parts.directory),
        ValidationInterceptor(parts.must_give_way),
    )


def bind(chain: tuple[Interceptor, ...], method: BoundMethod, handler: Handler) -> Handler:
    """`handler` inside the whole chain, for one method."""
    for interceptor in reversed(chain):
        handler = interceptor.bind(method, handler)
    return handler
