"""The statements on rules of addresses (address_rules.sql). Each is queued; the caller flushes."""

from __future__ import annotations

from hms_server import ids
from hms_server.database.pages import Page
from hms_server.database.queries import load_queries
from hms_server.database.transaction import Database, Pending, Transaction
from hms_server.gate.addresses import Rule

_SQL = load_queries("hms_server.admin", "address_rules.sql", table="address_rule")


class AddressRuleLoader:
    """What each process's address book asks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, tenant_id: str) -> list[Rule]:
        """The rules in force; raises Unavailable."""
        with self._database.tenant_transaction(tenant_id) as transaction:
            pending = in_force(transaction)
        return rules(pending)


def rules(pending: Pending) -> list[Rule]:
    """Rows as the gate takes them."""
    return [Rule(row.id, row.action, row.network) for row in pending.rows]


def in_force(transaction: Transaction) -> Pending:
    """The tenant's rules."""
    return transaction.queue(_SQL["in_force"])


def get(transaction: Transaction, rule_id: str) -> Pending:
    """A rule, also a deleted one."""
    return transaction.queue(_SQL["get"], id=rule_id)


def list_rules(transaction: Transaction, page: Page) -> Pending:
    """Rules, the oldest first, in reading order of the page."""
    if page.backward and page.key is not None:
        return transaction.queue(_SQL["list_backward"], before=page.key[0], limit=page.limit)
    after = ids.NIL if page.key is None else page.key[0]
    return transaction.queue(_SQL["list"], after=after, limit=page.limit)


def insert(
    transaction: Transaction, *, rule_id: str, action: str, network: str, note: str, actor_id: str
) -> None:
    """A new rule."""
    transaction.queue(
        _SQL["insert"], id=rule_id, action=action, network=network, note=note, actor_id=actor_id
    )


def delete(transaction: Transaction, rule_id: str) -> Pending:
    """Ends a rule; no row where it does not stand."""
    return transaction.queue(_SQL["delete"], id=rule_id)


def delete_all(transaction: Transaction) -> Pending:
    """Ends every rule of the tenant; the rows name them."""
    return transaction.queue(_SQL["delete_all"])
