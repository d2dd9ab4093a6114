"""The statements on passwords, by what they are for. Each is queued; the caller flushes."""

from __future__ import annotations

from hms_server.database.queries import load_queries
from hms_server.database.transaction import Pending, Transaction

_SQL = load_queries("hms_server.identity", "passwords.sql")


def facts(transaction: Transaction, user_id: str) -> Pending:
    """What a new password is judged by; `username` is None where there is no such user."""
    return transaction.queue(_SQL["password_facts"], user_id=user_id)


def change(transaction: Transaction, user_id: str, seen_hash: str, fresh_hash: str) -> Pending:
    """A user's own new password; no row where he is not as he was seen."""
    transaction.queue(_SQL["lock_password"], user_id=user_id, seen_hash=seen_hash)
    keep(transaction, user_id)
    return transaction.queue(
        _SQL["change_password"], user_id=user_id, seen_hash=seen_hash, fresh_hash=fresh_hash
    )


def keep(transaction: Transaction, user_id: str) -> None:
    """The present hash joins those of before, of which no more are kept than can be asked for. With the
    password it is over for a reset token that was made for it."""
    transaction.queue(_SQL["keep_password"], user_id=user_id)
    transaction.queue(_SQL["trim_passwords"], user_id=user_id)
    transaction.queue(_SQL["void_password_reset"], user_id=user_id)


def count_wrong(transaction: Transaction, session_id: str) -> Pending:
    """One more present password that was wrong in this session: how many there are."""
    return transaction.queue(_SQL["count_wrong_password"], session_id=session_id)


def put_reset(
    transaction: Transaction, user_id: str, token_hash: bytes, seconds: int, actor_id: str
) -> Pending:
    """The one reset token of a user; an earlier one is void."""
    return transaction.queue(
        _SQL["put_password_reset"],
        user_id=user_id,
        token_hash=token_hash,
        seconds=seconds,
        actor_id=actor_id,
    )


def get_reset(transaction: Transaction, user_id: str) -> Pending:
    """The hash of the user's reset token, where one is in force, and who made it: token_hash, actor_id,
    actor_state."""
    return transaction.queue(_SQL["get_password_reset"], user_id=user_id)


def use_reset(transaction: Transaction, user_id: str, token_hash: bytes) -> Pending:
    """Takes the token away; nothing is affected where it is not in force."""
    return transaction.queue(_SQL["use_password_reset"], user_id=user_id, token_hash=token_hash)
