"""Rows of users and roles to their messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hms.identity.v1 import identity_pb2 as pb


def user(row: Any) -> pb.User:
    """A user. A password is never read back."""
    return pb.User(
        id=row.id,
        username=row.username,
        display_name=row.display_name,
        email=row.email,
        state=pb.UserState.Value(f"USER_STATE_{row.state}"),
        role_codes=row.role_codes,
        must_change_password=row.must_change_password,
        limited_roles=[
            pb.LimitedRole(role_code=code, department_ids=departments)
            for code, departments in row.limited_roles
        ],
        create_time=row.create_time,
        update_time=row.update_time,
        etag=str(row.version),
    )


def user_state(state: pb.UserState.ValueType) -> str:
    """A state as the table holds it."""
    return pb.UserState.Name(state).removeprefix("USER_STATE_")


def service_account(row: Any, secret: str = "", *, audience: str = "") -> pb.ServiceAccount:
    """A service account; with its secret where that was made a moment ago."""
    return pb.ServiceAccount(
        id=row.id,
        name=row.username,
        display_name=row.display_name,
        state=pb.UserState.Value(f"USER_STATE_{row.state}"),
        permissions=row.permissions,
        client_secret=secret,
        secret_time=row.secret_time,
        keys=[_service_key(*key) for key in row.keys],
        assertion_audience=audience,
        create_time=row.create_time,
        update_time=row.update_time,
        etag=str(row.version),
    )


def _service_key(
    kid: str, algorithm: str, public_key: str, create_micros: int, expire_micros: int | None
) -> pb.ServiceAccountKey:
    key = pb.ServiceAccountKey(kid=kid, algorithm=algorithm, public_key=public_key)
    key.create_time.FromMicroseconds(create_micros)
    if expire_micros is not None:
        key.expire_time.FromMicroseconds(expire_micros)
    return key


def session(row: Any, current: str) -> pb.Session:
    """A session; `current` is the id of the caller's own."""
    return pb.Session(
        id=row.id,
        user_id=row.user_id,
        address=row.address,
        create_time=row.create_time,
        refresh_time=row.rotate_time,
        expire_time=row.end_time,
        current=row.id == current,
    )


def role(row: Any, permissions: Iterable[str]) -> pb.Role:
    """A role with what it gives."""
    return pb.Role(
        id=row.id,
        code=row.code,
        display_name=row.display_name,
        permissions=sorted(permissions),
        system=row.system,
        create_time=row.create_time,
        update_time=row.update_time,
        etag=str(row.version),
    )
