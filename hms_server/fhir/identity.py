"""Who a resource is: which record of HMS it became, and whether it changed since.

A resource is known by (tenant, source, FHIR type, the source's id). The hash of what it held when it was
taken over last tells whether there is anything to do; it covers the version of the mapping, so that a
release that takes over more looks at every resource once more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from hms_server.database.queries import load_queries
from hms_server.database.transaction import Pending, Transaction

_QUERIES = load_queries("hms_server.fhir", "sources.sql")
# 128 bits: nobody gains by two contents of one's own resource that look alike.
HASH_BYTES = 16
# Of keys or rows in one statement; about 2 MB of JSON.
_MOST_ROWS = 12_000

Key = tuple[str, str]  # FHIR type, source id


class Known(NamedTuple):
    """What a resource became, and the hash of what it held."""

    entity_id: str
    digest: bytes


class Claim(NamedTuple):
    """What a resource is to be known as from now on."""

    key: Key
    entity_id: str
    digest: bytes


class Identities:
    """The resources of one source, in a transaction of its tenant."""

    def __init__(self, transaction: Transaction, source: str) -> None:
        self._transaction = transaction
        self._source = source

    def known(self, keys: Sequence[Key]) -> list[Pending]:
        """Queues the look-up of those that are here; see `found`."""
        return [self._queue("known", keys=_keys(part)) for part in _parts(keys)]

    def claim(self, claims: Sequence[Claim]) -> list[Pending]:
        """Queues new ones; those that another import was first with are not among the `affected`."""
        return [self._queue("claim", rows=_rows(part)) for part in _parts(sorted(claims))]

    def lock(self, keys: Iterable[Key]) -> list[Pending]:
        """Queues a look-up that keeps others from changing them until the transaction ends."""
        return [self._queue("lock", keys=_keys(part)) for part in _parts(sorted(keys))]

    def renew(self, claims: Sequence[Claim]) -> None:
        """Queues what locked ones are to be known as."""
        for part in _parts(claims):
            self._queue("renew", rows=_rows(part))

    def owners(self, record_ids: Sequence[str]) -> Pending:
        """Queues the look-up of the patients of clinical records: id, patient_id."""
        return self._transaction.queue(_QUERIES["owners"], ids=list(record_ids))

    def _queue(self, name: str, **parameters: Any) -> Pending:
        return self._transaction.queue(_QUERIES[name], source=self._source, **parameters)


def found(pendings: Iterable[Pending]) -> dict[Key, Known]:
    """What flushed look-ups found."""
    return {
        (row.type, row.source_id): Known(row.entity_id, bytes(row.content_hash))
        for pending in pendings
        for row in pending.rows
    }


class Digester:
    """Makes the hashes of resources as one version of the mapping sees them."""

    def __init__(self, mapping_version: int) -> None:
        self._start = hashlib.sha256(b"%d\n" % mapping_version)

    def digest(self, resource: dict[str, Any]) -> bytes:
        """The hash of what a resource holds, whatever the order of its elements."""
        made = self._start.copy()
        made.update(orjson.dumps(resource, option=orjson.OPT_SORT_KEYS))
        return made.digest()[:HASH_BYTES]


def _parts(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), _MOST_ROWS):
        yield items[start : start + _MOST_ROWS]


def _keys(keys: Sequence[Key]) -> str:
    return orjson.dumps([{"type": type_, "id": source_id} for type_, source_id in keys]).decode()


def _rows(claims: Sequence[Claim]) -> str:
    return orjson.dumps(
        [
            {
                "type": claim.key[0],
                "id": claim.key[1],
                "entity_id": claim.entity_id,
                "hash": claim.digest.hex(),
            }
            for claim in claims
        ]
    ).decode()
