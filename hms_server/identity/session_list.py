"""The sessions that stand: seen and ended by their user, or by whoever may change users."""

from __future__ import annotations

from hms.identity.v1 import identity_pb2 as pb
from hms_server import errors
from hms_server.context import Call
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Pending, Transaction
from hms_server.gate.publisher import GatePublisher
from hms_server.identity import mapping, rules, store
from hms_server.identity.permissions import Catalogue, Grants


class SessionList:
    """Lists and ends sessions."""

    def __init__(
        self,
        *,
        database: Database,
        pages: Pages,
        request_ids: RequestIds,
        catalogue: Catalogue,
        publisher: GatePublisher,
    ) -> None:
        self._database = database
        self._pages = pages
        self._request_ids = request_ids
        self._catalogue = catalogue
        self._publisher = publisher

    def list_sessions(self, request: pb.ListSessionsRequest, call: Call) -> pb.ListSessionsResponse:
        """Sessions of the caller or, for who holds user.write, of another user; newest first.

        Raises PermissionDenied.
        """
        user_id = request.user_id or call.caller.user_id
        page = self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=(user_id,),
            size=request.page_size,
            token=request.page_token,
        )
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            roles = _roles_where_the_token_has_no_list(transaction, call)
            pending = store.list_sessions(transaction, user_id, page)
        rules.require_to_see_sessions(
            own=user_id == call.caller.user_id,
            may_write_users=rules.USER_WRITE in self._held(call, roles).permissions,
        )
        rows, following, preceding = self._pages.close(page, pending.rows, lambda row: (row.id,))
        return pb.ListSessionsResponse(
            sessions=[mapping.session(row, call.caller.session_id) for row in rows],
            next_page_token=following,
            previous_page_token=preceding,
        )

    @on_conflict
    def revoke(self, request: pb.RevokeSessionRequest, call: Call) -> pb.RevokeSessionResponse:
        """Ends a session; in force on every process when the answer arrives.

        Raises NotFound for what the caller may not even see, PermissionDenied for a session of somebody
        who may do more than the caller.
        """
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            roles = _roles_where_the_token_has_no_list(transaction, call)
            pending = store.lock_session(transaction, request.id)
            transaction.flush()
            if probe.repeat() is not None:
                transaction.audit(action="READ", entity_id=request.id)
            else:
                held, row = self._held(call, roles), pending.first
                own = row is not None and row.user_id == call.caller.user_id
                if row is None or not (own or rules.USER_WRITE in held.permissions):
                    raise errors.NotFound("No such session.")
                if not own:
                    theirs = self._catalogue.grants(call.tenant_id, store.held_roles(row))
                    rules.require_not_above(held, theirs)
                store.revoke_session(transaction, request.id, "REVOKED")
                self._request_ids.remember(transaction, call, probe, request.id, 1)
                transaction.audit(entity_id=request.id)
        # On a repeat too: the first try may have ended between its commit and this line.
        self._publisher.session_revoked(call.tenant_id, request.id)
        return pb.RevokeSessionResponse()

    def _held(self, call: Call, roles: Pending | None) -> Grants:
        """What the caller holds: as the token says or, where it has no list, as the roles do."""
        if roles is not None:
            return self._catalogue.grants(call.tenant_id, store.held_roles(roles.first))
        return Grants(
            administrator=False,
            permissions=call.caller.permissions or frozenset(),
            limited=call.caller.limited,
        )


def _roles_where_the_token_has_no_list(transaction: Transaction, call: Call) -> Pending | None:
    if call.caller.permissions is not None:
        return None
    return store.load_roles_of(transaction, call.caller.user_id)
