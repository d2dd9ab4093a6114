"""Service accounts that sign who they are, for tests: made, given keys, logged in."""

from __future__ import annotations

import itertools
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from hms.identity.v1 import identity_pb2 as pb
from hms_server import errors, ids
from tests.fix_identity import AUDIENCE

_numbers = itertools.count(1)
PAIRS: dict[str, Any] = {
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "RS256": rsa.generate_private_key(65537, 2048),
}


def pem(private: Any) -> str:
    """The public half."""
    form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return private.public_key().public_bytes(*form).decode()


def make(hospital: Any, *permissions: str, **fields: Any) -> pb.ServiceAccount:
    """A new account."""
    account = pb.ServiceAccount(
        name=f"service-{next(_numbers)}", permissions=permissions or ("patient.read",)
    )
    request = pb.CreateServiceAccountRequest(service_account=account, **fields)
    return hospital.do("IdentityService/CreateServiceAccount", request)


def add(
    hospital: Any, account: Any, private: Any, kid: str, token: str = "", expire: float | None = None
) -> pb.ServiceAccount:
    """Registers the public half of a key, or a text in its place."""
    key = pb.ServiceAccountKey(kid=kid, public_key=private if isinstance(private, str) else pem(private))
    if expire is not None:
        key.expire_time.FromSeconds(int(expire))
    request = pb.AddServiceAccountKeyRequest(id=account.id, key=key)
    return hospital.do("IdentityService/AddServiceAccountKey", request, token)


def remove(hospital: Any, account: Any, kid: str, token: str = "", request_id: str = "") -> pb.ServiceAccount:
    """Removes a key."""
    request = pb.RemoveServiceAccountKeyRequest(id=account.id, kid=kid, request_id=request_id)
    return hospital.do("IdentityService/RemoveServiceAccountKey", request, token)


def rotate(hospital: Any, account: Any, **fields: Any) -> pb.ServiceAccount:
    """Another secret, or none."""
    request = pb.RotateServiceAccountSecretRequest(id=account.id, **fields)
    return hospital.do("IdentityService/RotateServiceAccountSecret", request)


def claims(account: Any, **changes: Any) -> dict[str, Any]:
    """Of a good assertion, with changes; None leaves one out."""
    now = int(time.time())
    made = {"iss": account.id, "sub": account.id, "aud": AUDIENCE}
    made |= {"iat": now, "exp": now + 60, "jti": ids.uuid7()}
    return {name: value for name, value in {**made, **changes}.items() if value is not None}


def signed(
    account: Any,
    private: Any = PAIRS["EdDSA"],
    kid: str = "one",
    algorithm: str = "EdDSA",
    headers: dict[str, Any] | None = None,
    **changes: Any,
) -> str:
    """An assertion."""
    return jwt.encode(
        claims(account, **changes), private, algorithm=algorithm, headers={"kid": kid, **(headers or {})}
    )


def issue(
    hospital: Any, account: Any, assertion: str, tenant: str | None = None, **fields: Any
) -> pb.IssueServiceTokenResponse:
    """Logs in."""
    request = pb.IssueServiceTokenRequest(
        tenant=tenant or hospital.code, client_id=account.id, client_assertion=assertion, **fields
    )
    return hospital.house.do("IdentityService/IssueServiceToken", request)


def refused(hospital: Any, account: Any, assertion: str, **fields: Any) -> bool:
    """Whether the log-in is refused as all are."""
    with pytest.raises(errors.Unauthenticated) as caught:
        issue(hospital, account, assertion, **fields)
    assert caught.value.reason == "BAD_CREDENTIALS"
    assert caught.value.message == "Wrong tenant, client id, secret or assertion."
    return True


def count_sessions(hospital: Any, account: Any) -> int:
    """Sessions of the account that stand."""
    request = pb.ListSessionsRequest(user_id=account.id)
    return len(hospital.do("IdentityService/ListSessions", request).sessions)


def get(hospital: Any, account: Any) -> pb.ServiceAccount:
    """The account as it stands."""
    return hospital.do("IdentityService/GetServiceAccount", pb.GetServiceAccountRequest(id=account.id))
