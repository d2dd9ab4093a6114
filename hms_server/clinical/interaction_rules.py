"""A hospital's own rules of interactions, and what it changes of the built-in ones."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from typing import Any

import orjson

from hms.clinical.v1 import interaction_rule_pb2 as pb
from hms_server import aip, errors, ids
from hms_server.clinical.medicines import Rule, lexicon
from hms_server.context import Call
from hms_server.database.faults import UniqueViolation
from hms_server.database.pages import Pages
from hms_server.database.queries import load_queries
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Pending, Transaction
from hms_server.patient.mapping import timestamp
from hms_server.texts import has_control_characters

_SQL = load_queries("hms_server.clinical", "interaction_rules.sql", table="interaction_rule")
_TEXTS = ("effect", "management", "source", "reason")
_MUTABLE = frozenset((*_TEXTS, "severity", "active"))
_SHORTEST_REASON = 5


class InteractionRules:
    """The part of the clinical service that knows rules of interactions."""

    def __init__(self, database: Database, pages: Pages, request_ids: RequestIds) -> None:
        self._database = database
        self._pages = pages
        self._request_ids = request_ids

    @on_conflict
    def create(self, request: pb.CreateInteractionRuleRequest, call: Call) -> pb.InteractionRule:
        """A new rule, in force with the next prescription. Raises AlreadyExists where an active one names
        the same
        pair, InvalidArgument for what is not right."""
        rule = pb.InteractionRule()
        rule.CopyFrom(request.interaction_rule)
        _name(rule)
        _require_valid(rule)
        rule_id = ids.uuid7()
        with _told(), self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            if request.request_id:
                transaction.flush()
            earlier = probe.repeat()
            if earlier is not None:
                return self._repeated(transaction, earlier)
            made = transaction.queue(
                _SQL["insert"],
                builtin_key=rule.builtin_key,
                pair_key="+".join(sorted((rule.first, rule.second))),
                first_term=rule.first,
                second_term=rule.second,
                **_columns(rule, rule_id, call),
            )
            self._request_ids.remember(transaction, call, probe, rule_id, 1)
            transaction.audit(entity_id=rule_id, new_version=1, **_said(rule))
        return _message(made.first)

    def get(self, request: pb.GetInteractionRuleRequest, call: Call) -> pb.InteractionRule:
        """One rule, in force or not; raises NotFound."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = transaction.queue(_SQL["get"], id=request.id)
        return _message(_found(pending))

    def list_rules(
        self, request: pb.ListInteractionRulesRequest, call: Call
    ) -> pb.ListInteractionRulesResponse:
        """The hospital's rules in order of making, both ways; with the first page the built-in ones, if
        asked."""
        term = lexicon().term(request.term) if request.term else ""
        page = self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=(term, request.show_inactive, request.show_builtin),
            size=request.page_size,
            token=request.page_token,
        )
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = transaction.queue(
                _SQL["list_descending" if page.backward else "list_ascending"],
                key=page.key[0] if page.key else ids.MAX if page.backward else ids.NIL,
                term=term,
                show_inactive=request.show_inactive,
                limit=page.limit,
            )
        rows, following, preceding = self._pages.close(page, pending.rows, lambda row: (row.id,))
        builtin = lexicon().rules if request.show_builtin and page.key is None else ()
        return pb.ListInteractionRulesResponse(
            interaction_rules=map(_message, rows),
            next_page_token=following,
            previous_page_token=preceding,
            builtin_rules=[_builtin(r) for r in builtin if not term or term in (r.first, r.second)],
        )

    @on_conflict
    def update(self, request: pb.UpdateInteractionRuleRequest, call: Call) -> pb.InteractionRule:
        """Changes the fields that the mask names; a change that changes nothing makes no version."""
        sent = request.interaction_rule
        aip.require_id("interaction_rule.id", sent.id)
        selected = aip.selected(sent, request.update_mask, _MUTABLE)
        return self._change(request, call, sent, selected)

    @on_conflict
    def deactivate(self, request: pb.DeactivateInteractionRuleRequest, call: Call) -> pb.InteractionRule:
        """Ends a rule; one that has ended is left as it is."""
        sent = pb.InteractionRule(id=request.id, etag=request.etag, active=False)
        return self._change(request, call, sent, {"active"})

    def _change(
        self, request: Any, call: Call, sent: pb.InteractionRule, selected: Collection[str]
    ) -> pb.InteractionRule:
        with _told(), self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            present = transaction.queue(_SQL["lock"], id=sent.id)
            transaction.flush()
            earlier = probe.repeat()
            if earlier is not None:
                return self._repeated(transaction, earlier)
            row = _found(present)
            aip.require_etag(sent.etag, row.version)
            rule = _message(row)
            before = _columns(rule, row.id, call)
            for name in selected:
                if name == "active":
                    rule.active = sent.active or not sent.HasField("active")
                else:
                    setattr(rule, name, getattr(sent, name))
            _require_valid(rule)
            version, made = row.version, present
            columns = _columns(rule, row.id, call)
            if columns != before:
                version += 1
                made = transaction.queue(_SQL["update"], **columns)
            self._request_ids.remember(transaction, call, probe, row.id, version)
            transaction.audit(entity_id=row.id, old_version=row.version, new_version=version, **_said(rule))
        return _message(made.first)

    def _repeated(self, transaction: Transaction, rule_id: str) -> pb.InteractionRule:
        pending = transaction.queue(_SQL["get"], id=rule_id)
        transaction.audit(action="READ", entity_id=rule_id)
        transaction.commit()
        return _message(_found(pending))


def _name(rule: pb.InteractionRule) -> None:
    """Puts the terms in the form in which they are compared; raises InvalidArgument for an unknown built-in
    rule."""
    if rule.builtin_key:
        key = "+".join(sorted(rule.builtin_key.strip().lower().split("+")))
        builtin = next((each for each in lexicon().rules if each.key == key), None)
        if builtin is None:
            raise errors.invalid_field(
                "interaction_rule.builtin_key", "no such built-in rule: list them with show_builtin"
            )
        rule.builtin_key, rule.first, rule.second = builtin.key, builtin.first, builtin.second
        return
    rule.first, rule.second = lexicon().term(rule.first), lexicon().term(rule.second)


def _require_valid(rule: pb.InteractionRule) -> None:
    found = [
        errors.FieldViolation(f"interaction_rule.{name}", "is required: an ingredient or a class")
        for name in ("first", "second")
        if not getattr(rule, name)
    ]
    if not rule.severity:
        found.append(errors.FieldViolation("interaction_rule.severity", "is required"))
    if rule.severity == "NONE" and not rule.builtin_key:
        found.append(errors.FieldViolation("interaction_rule.severity", "NONE is for built-in rules alone"))
    if rule.builtin_key and len(rule.reason.strip()) < _SHORTEST_REASON:
        found.append(errors.FieldViolation("interaction_rule.reason", "say why the built-in rule is changed"))
    found += [
        errors.FieldViolation(f"interaction_rule.{name}", "must not hold control characters")
        for name in _TEXTS
        if has_control_characters(getattr(rule, name))
    ]
    if found:
        raise errors.InvalidArgument(
            "; ".join(f"{v.field}: {v.description}" for v in found), violations=tuple(found)
        )


def _columns(rule: pb.InteractionRule, rule_id: str, call: Call) -> dict[str, Any]:
    document = {name: value for name in _TEXTS if (value := getattr(rule, name))}
    return {
        "id": rule_id,
        "severity": rule.severity,
        "active": rule.active or not rule.HasField("active"),
        "document": orjson.dumps(document).decode(),
        "actor_id": call.caller.user_id,
    }


def _said(rule: pb.InteractionRule) -> dict[str, Any]:
    """What the audit says of a rule beside its versions: no patient is concerned."""
    return {"reason": rule.reason} if rule.reason else {}


def _message(row: Any) -> pb.InteractionRule:
    return pb.InteractionRule(
        **row.document,
        id=row.id,
        builtin_key=row.builtin_key,
        first=row.first_term,
        second=row.second_term,
        severity=row.severity,
        active=row.active,
        create_time=timestamp(row.create_time),
        update_time=timestamp(row.update_time),
        etag=str(row.version),
    )


def _builtin(rule: Rule) -> pb.InteractionRule:
    return pb.InteractionRule(
        builtin_key=rule.key,
        first=rule.first,
        second=rule.second,
        severity=rule.severity,
        effect=rule.effect,
        management=rule.management,
        source=rule.source,
        active=True,
    )


def _found(pending: Pending) -> Any:
    if pending.first is None:
        raise errors.NotFound("No such interaction rule.")
    return pending.first


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except UniqueViolation:
        raise errors.AlreadyExists(
            "The hospital has an active rule for this pair already: update that one."
        ) from None
