"""Hears that rules of addresses or limits of calls changed, on a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import redis

from hms_server.gate.addresses import AddressBook
from hms_server.gate.keys import ADDRESS_CHANNEL, LIMITS_CHANNEL
from hms_server.telemetry import logs

_log = logging.getLogger(__name__)
_POLL_SECONDS = 1.0


class AddressListener:
    """One subscription per process. While there is none, the book reads by itself."""

    def __init__(self, client: redis.Redis, book: AddressBook, limits_changed: Callable[[str], None]) -> None:
        self._client = client
        self._book = book
        self._limits_changed = limits_changed
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hms-addresses", daemon=True)

    def start(self) -> None:
        """Begins to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the subscription."""
        self._over.set()
        self._thread.join(timeout=2 * _POLL_SECONDS)

    def _run(self) -> None:
        lost = False
        while not self._over.is_set():
            try:
                made: Any = self._client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
                with made as subscription:
                    subscription.subscribe(ADDRESS_CHANNEL, LIMITS_CHANNEL)
                    self._book.all_changed()
                    lost = False
                    self._listen(subscription)
            except redis.RedisError as error:
                if not lost:
                    lost = True
                    name = type(error).__name__
                    logs.event(_log, logging.WARNING, "no news of address rules and limits", error=name)
                self._over.wait(_POLL_SECONDS)

    def _listen(self, subscription: Any) -> None:
        while not self._over.is_set():
            message = subscription.get_message(timeout=_POLL_SECONDS)
            if message is not None:
                of_limits = message["channel"].decode() == LIMITS_CHANNEL
                (self._limits_changed if of_limits else self._book.changed)(message["data"].decode())
