"""A new password, whoever it is from: judged by the hospital's rules and the user's former ones, then hashed.

No connection is held meanwhile: each hash that is computed takes some 60 ms.
"""

from __future__ import annotations

from typing import Any

from hms_server import errors, ids
from hms_server.context import Call
from hms_server.database.transaction import Database, Pending, Transaction
from hms_server.identity import password_rules, password_store, store
from hms_server.identity.passwords import Passwords


class PasswordGuard:
    """Lets good passwords through, as their hash."""

    def __init__(self, database: Database, passwords: Passwords) -> None:
        self._database = database
        self._passwords = passwords

    def hash_for_new_user(self, call: Call, password: str, username: str) -> str:
        """The hash of a new user's password.

        Raises InvalidArgument naming every rule that it breaks.
        """
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            facts = password_store.facts(transaction, ids.NIL)
        return self.judge(facts, password, "user.password", username)

    def judge(self, pending: Pending, password: str, field: str, username: str = "") -> str:
        """The hash of a password that holds against the facts of `password_store.facts`.

        Raises InvalidArgument.
        """
        facts: Any = pending.rows[0]
        found = password_rules.faults(
            password,
            least=facts.password_min_length or password_rules.LEAST_CHARACTERS,
            names=(username, facts.username or "", facts.code, facts.display_name),
        )
        if not found and facts.username is not None and self._was_used(facts, password):
            found = ["was used before: choose another one"]
        if found:
            raise errors.InvalidArgument(
                f"{field}: {'; '.join(found)}",
                violations=tuple(errors.FieldViolation(field, fault) for fault in found),
            )
        return self._passwords.hash(password)

    def _was_used(self, facts: Any, password: str) -> bool:
        kept = (facts.password_history or password_rules.HISTORY) - 1
        hashes = [facts.password_hash, *facts.former_hashes[:kept]]
        return any(self._passwords.verify(stored, password) for stored in hashes)


def replace(
    transaction: Transaction,
    *,
    user_id: str,
    seen_hash: str,
    fresh_hash: str,
    keep_session_id: str = ids.NIL,
) -> tuple[Any, Pending]:
    """Stores a password that its user chose: the row as it now is, and the sessions that end with it.

    Raises ConcurrentChange where the user is no longer as the password was checked against.
    """
    changed = password_store.change(transaction, user_id, seen_hash, fresh_hash)
    transaction.flush()
    if changed.first is None:
        raise errors.ConcurrentChange("The user is being changed: try again.")
    ended = store.revoke_sessions_of_user(transaction, user_id, "PASSWORD_CHANGED", keep_session_id)
    return changed.first, ended
