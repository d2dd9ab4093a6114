"""UHIDs: the hospital's own numbers of patients.

Prefix, running number and a check digit: Luhn's, modulus 10 (ISO/IEC 7812-1 annex B), over the digits of the
number. It finds every wrong digit and nearly every swap of neighbours. Numbers are taken in blocks from
an atomic counter, so that registering does not queue behind it; gaps are allowed, repeats are not.
"""

from __future__ import annotations

import dataclasses
import threading

from hms_server import errors
from hms_server.database.transaction import Database
from hms_server.patient import store

BLOCK = 50


def check_digit(digits: str) -> int:
    """Luhn's check digit of a number's digits."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return -total % 10


def format_uhid(prefix: str, digits: int, number: int) -> str:
    """A UHID: "CC000000174" of prefix "CC", 8 digits and number 17."""
    text = f"{number:0{digits}d}"
    return f"{prefix}{text}{check_digit(text)}"


@dataclasses.dataclass(slots=True)
class _Block:
    prefix: str
    digits: int
    following: int
    end: int


class UhidAllocator:
    """Hands out UHIDs of every tenant. A tenant's new format is used from the next block on."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._blocks: dict[str, _Block] = {}
        self._lock = threading.Lock()
        self._refills: dict[str, threading.Lock] = {}

    def take(self, tenant_id: str) -> str:
        """The next UHID; raises Unavailable where no block can be taken."""
        uhid = self._from_block(tenant_id)
        if uhid is not None:
            return uhid
        with self._lock:
            refill = self._refills.setdefault(tenant_id, threading.Lock())
        with refill:
            while (uhid := self._from_block(tenant_id)) is None:
                block = self._take_block(tenant_id)
                with self._lock:
                    self._blocks[tenant_id] = block
            return uhid

    def take_many(self, tenant_id: str, count: int) -> list[str]:
        """As many UHIDs, a block of their own where they are many; raises as `take` does."""
        if count <= BLOCK:
            return [self.take(tenant_id) for _ in range(count)]
        block = self._take_block(tenant_id, count)
        return [
            format_uhid(block.prefix, block.digits, number) for number in range(block.following, block.end)
        ]

    def _from_block(self, tenant_id: str) -> str | None:
        with self._lock:
            block = self._blocks.get(tenant_id)
            if block is None or block.following >= block.end:
                return None
            number = block.following
            block.following += 1
        return format_uhid(block.prefix, block.digits, number)

    def _take_block(self, tenant_id: str, size: int = BLOCK) -> _Block:
        with self._database.tenant_transaction(tenant_id) as transaction:
            numbers = store.take_numbers(transaction, size)
            wanted = store.uhid_format(transaction)
        settings = wanted.first
        if settings is None or numbers.first is None:
            raise errors.FailedPrecondition("The tenant has no settings: it takes no patients.")
        first: int = numbers.first.first_number
        return _Block(settings.uhid_prefix, settings.uhid_digits, first, first + size)
