"""May this address call at all? The platform's rules, before anything is done for the caller."""

from __future__ import annotations

from hms_server.context import Call
from hms_server.edge.bound import BoundMethod, Handler
from hms_server.gate.addresses import AddressBook, check_platform


class AddressInterceptor:
    """Refuses addresses by the platform's rules. A hospital's own rules follow once it is known (gate)."""

    def __init__(self, book: AddressBook) -> None:
        self._book = book

    def bind(self, method: BoundMethod, following: Handler) -> Handler:
        """Every method, with a token or without."""
        book = self._book

        def handle(call: Call) -> object:
            check_platform(book, call.address)
            return following(call)

        return handle
