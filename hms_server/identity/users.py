"""Users of a tenant: make, read, list, change."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from hms.identity.v1 import identity_pb2 as pb
from hms_server import aip, errors, ids
from hms_server.context import Call
from hms_server.database.faults import UniqueViolation
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Pending, Transaction
from hms_server.gate.publisher import GatePublisher
from hms_server.identity import mapping, password_store, rules, store, wanted_roles
from hms_server.identity.password_guard import PasswordGuard
from hms_server.identity.passwords import Passwords
from hms_server.identity.permissions import Catalogue, Grants
from hms_server.identity.store import HeldRole
from hms_server.identity.wanted_roles import WantedRoles

_ROLE_FIELDS = ("role_codes", "limited_roles")


class Users:
    """The users' part of the identity service."""

    def __init__(
        self,
        *,
        database: Database,
        pages: Pages,
        request_ids: RequestIds,
        passwords: Passwords,
        catalogue: Catalogue,
        publisher: GatePublisher,
    ) -> None:
        self._database = database
        self._pages = pages
        self._request_ids = request_ids
        self._guard = PasswordGuard(database, passwords)
        self._catalogue = catalogue
        self._publisher = publisher

    @on_conflict
    def create(self, request: pb.CreateUserRequest, call: Call) -> pb.User:
        """A new user."""
        user = request.user
        rules.check_new_user(user)
        password_hash = self._guard.hash_for_new_user(call, user.password, user.username)
        user_id = ids.uuid7()
        try:
            with self._database.tenant_transaction(call.tenant_id, call) as transaction:
                store.lock_tenant(transaction)
                probe = self._request_ids.probe(transaction, call, request)
                caller = store.load_roles_of(transaction, call.caller.user_id)
                wanted = WantedRoles(transaction, user)
                transaction.flush()
                repeated = probe.repeat()
                if repeated is not None:
                    answer = _repeat(transaction, repeated)
                else:
                    wanted.check(_ROLE_FIELDS)
                    rules.require_grantable(
                        self._grants(call, store.held_roles(caller.first)),
                        self._grants(call, [*wanted.unlimited, *wanted.limited]),
                    )
                    store.insert_user(
                        transaction,
                        user_id=user_id,
                        username=user.username,
                        password_hash=password_hash,
                        display_name=user.display_name,
                        email=user.email,
                        state=mapping.user_state(user.state) if user.state else "ACTIVE",
                        must_change_password=user.must_change_password,
                    )
                    wanted.store_unlimited(transaction, user_id)
                    wanted.store_limited(transaction, user_id)
                    self._request_ids.remember(transaction, call, probe, user_id, 1)
                    transaction.audit(entity_id=user_id, new_version=1)
                    answer = store.get_user(transaction, user_id)
        except UniqueViolation:
            raise errors.AlreadyExists("A user with this name stands already.") from None
        return mapping.user(answer.first)

    def get(self, request: pb.GetUserRequest, call: Call) -> pb.User:
        """A user."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.get_user(transaction, request.id)
        return mapping.user(_found(pending))

    def list_users(self, request: pb.ListUsersRequest, call: Call) -> pb.ListUsersResponse:
        """Users in order of their names."""
        page = self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=(),
            size=request.page_size,
            token=request.page_token,
        )
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.list_users(transaction, page)
        rows, following, preceding = self._pages.close(page, pending.rows, lambda row: (row.username_key,))
        return pb.ListUsersResponse(
            users=map(mapping.user, rows),
            next_page_token=following,
            previous_page_token=preceding,
        )

    @on_conflict
    def update(self, request: pb.UpdateUserRequest, call: Call) -> pb.User:
        """Changes a user; in force on every process when the answer arrives."""
        user = request.user
        aip.require_id("user.id", user.id)
        fields = aip.selected(user, request.update_mask, rules.USER_FIELDS)
        if list(request.update_mask.paths) == ["*"] and not user.password:
            # It is never read back, so a full replacement cannot hold it.
            fields -= {"password"}
        # Before the transaction: no connection is held while the hash is computed.
        fresh_hash = None
        if "password" in fields and user.password:
            fresh_hash = self._judge_password(call, user)
        revoked: Pending | None = None
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            store.lock_tenant(transaction)
            probe = self._request_ids.probe(transaction, call, request)
            before = store.get_user(transaction, user.id)
            caller = store.load_roles_of(transaction, call.caller.user_id)
            held = store.load_roles_of(transaction, user.id)
            wanted = WantedRoles(transaction, user)
            others = store.other_administrators(transaction, user.id)
            transaction.flush()
            repeated = probe.repeat()
            if repeated is not None:
                answer = _repeat(transaction, repeated)
            else:
                row = _found(before)
                aip.require_etag(user.etag, row.version)
                rules.check_user_changes(user, fields, row.username)
                state = mapping.user_state(user.state) if "state" in fields else row.state
                roles = store.held_roles(held.first)
                wanted.check(fields, [each for role in roles for each in role.departments or ()])
                new_roles = _after(roles, wanted, fields)
                self._judge(call, row, state, caller, roles, new_roles, others.rows[0].found)
                roles_change = not wanted_roles.same(roles, new_roles)
                must_change = (
                    user.must_change_password
                    if "must_change_password" in fields
                    else row.must_change_password
                )
                in_force = (
                    state != row.state
                    or roles_change
                    or fresh_hash is not None
                    or must_change != row.must_change_password
                )
                store.update_user(
                    transaction,
                    user_id=row.id,
                    display_name=user.display_name if "display_name" in fields else row.display_name,
                    email=user.email if "email" in fields else row.email,
                    state=state,
                    password_hash=fresh_hash,
                    must_change_password=must_change,
                    permission_step=int(in_force),
                    actor_id=call.caller.user_id,
                )
                if "role_codes" in fields:
                    wanted.store_unlimited(transaction, row.id)
                if "limited_roles" in fields:
                    wanted.store_limited(transaction, row.id)
                revoked = _end_sessions(transaction, call, row, state, fresh_hash is not None)
                self._request_ids.remember(transaction, call, probe, row.id, row.version + 1)
                transaction.audit(entity_id=row.id, old_version=row.version, new_version=row.version + 1)
                answer = store.get_user(transaction, row.id)
        for session in revoked.rows if revoked is not None else ():
            self._publisher.session_revoked(call.tenant_id, session.id)
        # On a repeat too: the first try may have ended between its commit and this line.
        after = answer.rows[0]
        self._publisher.user(call.tenant_id, after.id, after.permission_version)
        return mapping.user(after)

    def _judge_password(self, call: Call, user: pb.User) -> str:
        """The hash of a standing user's new password. Whether it was used before is told only to who may
        change the user: it would be a way to try passwords."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            caller = store.load_roles_of(transaction, call.caller.user_id)
            held = store.load_roles_of(transaction, user.id)
            facts = password_store.facts(transaction, user.id)
        if user.id != call.caller.user_id:
            rules.require_not_above(
                self._grants(call, store.held_roles(caller.first)),
                self._grants(call, store.held_roles(held.first)),
            )
        return self._guard.judge(facts, user.password, "user.password")

    def _judge(
        self,
        call: Call,
        row: Any,
        state: str,
        caller: Pending,
        held: list[HeldRole],
        wanted: list[HeldRole],
        others: bool,
    ) -> None:
        """Raises where the caller may not make this change, or the tenant would lose its last
        administrator."""
        callers = self._grants(call, store.held_roles(caller.first))
        before, after = self._grants(call, held), self._grants(call, wanted)
        if row.id != call.caller.user_id:
            rules.require_not_above(callers, before)
        rules.require_grantable(callers, self._grants(call, wanted_roles.gained(held, wanted)))
        rules.require_administrator_stays(
            was_administrator=before.administrator and row.state == "ACTIVE",
            is_administrator=after.administrator and state == "ACTIVE",
            others=others,
        )

    def _grants(self, call: Call, roles: list[HeldRole]) -> Grants:
        return self._catalogue.grants(call.tenant_id, roles)


def _after(held: list[HeldRole], wanted: WantedRoles, fields: Collection[str]) -> list[HeldRole]:
    """The roles that a user holds after a change of these fields."""
    unlimited = [role for role in held if role.departments is None]
    limited = [role for role in held if role.departments is not None]
    return [
        *(wanted.unlimited if "role_codes" in fields else unlimited),
        *(wanted.limited if "limited_roles" in fields else limited),
    ]


def _found(pending: Pending) -> Any:
    if pending.first is None:
        raise errors.NotFound("No such user.")
    return pending.first


def _repeat(transaction: Transaction, user_id: str) -> Pending:
    """The same request came again: the present state, audited as a read."""
    transaction.audit(action="READ", entity_id=user_id)
    return store.get_user(transaction, user_id)


def _end_sessions(
    transaction: Transaction, call: Call, row: Any, state: str, new_password: bool
) -> Pending | None:
    """A disabled user has no session; a new password ends all but the one it was changed in."""
    if state == "DISABLED":
        return store.revoke_sessions_of_user(transaction, row.id, "USER_DISABLED")
    if new_password:
        own = call.caller.session_id if row.id == call.caller.user_id else ids.NIL
        return store.revoke_sessions_of_user(transaction, row.id, "PASSWORD_CHANGED", own)
    return None
