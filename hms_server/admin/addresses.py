"""Rules of addresses: who may call from where. The platform's own rules are everybody's."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from hms.admin.v1 import address_pb2 as pb
from hms_server import errors, ids
from hms_server.admin import address_store as store
from hms_server.context import Call
from hms_server.database.faults import UniqueViolation
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database
from hms_server.gate.addresses import Rule, RuleSet
from hms_server.gate.publisher import GatePublisher

_ACTION = "ADDRESS_ACTION_"
MOST_RULES = 1000


class AddressRules:
    """The part of the admin service that knows addresses."""

    def __init__(
        self, *, database: Database, pages: Pages, request_ids: RequestIds, publisher: GatePublisher
    ) -> None:
        self._database = database
        self._pages = pages
        self._request_ids = request_ids
        self._publisher = publisher

    @on_conflict
    def create(self, request: pb.CreateAddressRuleRequest, call: Call) -> pb.AddressRule:
        """A rule that is in force from here on."""
        asked = request.address_rule
        new = Rule(
            ids.uuid7(),
            pb.AddressAction.Name(asked.action).removeprefix(_ACTION),
            str(ipaddress.ip_network(asked.network)),
        )
        try:
            with self._database.tenant_transaction(call.tenant_id, call) as transaction:
                probe = self._request_ids.probe(transaction, call, request)
                standing = store.in_force(transaction)
                transaction.flush()
                repeated = probe.repeat()
                if repeated is not None:
                    transaction.audit(action="READ", entity_id=repeated)
                else:
                    rules = store.rules(standing)
                    if len(rules) >= MOST_RULES:
                        raise errors.FailedPrecondition(
                            f"There are {MOST_RULES} rules, the limit: delete some, or name wider networks."
                        )
                    _require_open([*rules, new], call.address)
                    store.insert(
                        transaction,
                        rule_id=new.id,
                        action=new.action,
                        network=new.network,
                        note=asked.note,
                        actor_id=call.caller.user_id,
                    )
                    self._request_ids.remember(transaction, call, probe, new.id, 1)
                    transaction.audit(entity_id=new.id, new_version=1)
                answer = store.get(transaction, repeated or new.id)
        except UniqueViolation:
            raise errors.AlreadyExists("This rule stands already.") from None
        # On a repeat too: the first try may have ended between its commit and this line.
        self._publisher.addresses_changed(call.tenant_id)
        return _message(answer.first)

    def list_rules(self, request: pb.ListAddressRulesRequest, call: Call) -> pb.ListAddressRulesResponse:
        """The rules in force."""
        page = self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=(),
            size=request.page_size,
            token=request.page_token,
        )
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.list_rules(transaction, page)
        rows, following, preceding = self._pages.close(page, pending.rows, lambda row: (row.id,))
        return pb.ListAddressRulesResponse(
            address_rules=map(_message, rows), next_page_token=following, previous_page_token=preceding
        )

    @on_conflict
    def delete(self, request: pb.DeleteAddressRuleRequest, call: Call) -> pb.DeleteAddressRuleResponse:
        """Ends a rule."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            standing = store.in_force(transaction)
            transaction.flush()
            repeated = probe.repeat()
            if repeated is not None:
                transaction.audit(action="READ", entity_id=repeated)
            else:
                row = next((row for row in standing.rows if row.id == request.id), None)
                if row is None:
                    raise errors.NotFound("No such rule.")
                _require_open([r for r in store.rules(standing) if r.id != row.id], call.address)
                store.delete(transaction, row.id)
                self._request_ids.remember(transaction, call, probe, row.id, row.version + 1)
                transaction.audit(entity_id=row.id, old_version=row.version)
        self._publisher.addresses_changed(call.tenant_id)
        return pb.DeleteAddressRuleResponse()


def _require_open(rules: Sequence[Rule], address: str) -> None:
    """Whoever would lock himself out could not take it back."""
    if not RuleSet(rules).admits(address):
        raise errors.FailedPrecondition(
            "This would refuse the address that you call from: add an ALLOW rule for that first, or call from"
            " an address that stays open."
        )


def _message(row: Any) -> pb.AddressRule:
    return pb.AddressRule(
        id=row.id,
        action=pb.AddressAction.Value(f"{_ACTION}{row.action}"),
        network=row.network,
        note=row.note,
        create_time=row.create_time,
    )
