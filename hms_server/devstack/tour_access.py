"""Steps of the guided tour: who may enter, what is refused, and how sessions end."""

import http.client
from typing import Any
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from hms_server import clock, ids
from hms_server.devstack.tour_visit import BAD_REQUEST, Session, Visit, expect, request

PASSWORD = "guided-tour-of-the-hospital"
_FIRST_PASSWORD = "from-the-operator-at-first"
_LOGIN_LIMIT = 5
_OWN_LIMIT = 2048
_TOO_LARGE = 4 * 1024 * 1024 + 1


# Entrance


def sign_in(visit: Visit) -> str:
    """Sign in by REST."""
    env = visit.env
    session = visit.sign_in(env["HMS_TENANT"], env["HMS_USER"], env["HMS_PASSWORD"])
    expect(session.access_token.count(".") == 2, "the access token is no JWT")
    visit.keep("first administrator", session)
    return f"{session.username} of {env['HMS_TENANT']}"


def make_users(visit: Visit) -> str:
    """Create users with the roles ADMIN, DOCTOR and AUDITOR, who sign in."""
    first: Session = visit.made("first administrator")
    # The tour's calls are made by users of its own, whose limits nothing else has used up.
    for name, role in (("administrator", "ADMIN"), ("doctor", "DOCTOR"), ("auditor", "AUDITOR")):
        username = f"tour-{name}-{visit.mark}"
        user = {"username": username, "password": PASSWORD, "role_codes": [role]}
        made = first.call("POST", f"/v1/users?request_id={ids.uuid7()}", user).ok()
        expect(made["role_codes"] == [role], f"the user holds {made['role_codes']}")
        expect(not made.get("password"), "the password was read back")
        visit.keep(name, visit.sign_in(visit.env["HMS_TENANT"], username, PASSWORD))
    return ""


def wrong_password(visit: Visit) -> str:
    """A wrong password is refused in the standard error shape."""
    answer = visit.log_in(visit.env["HMS_TENANT"], visit.me.username, "not-the-password")
    error = answer.refused(http.client.UNAUTHORIZED, "BAD_CREDENTIALS")
    expect(error["code"] == 16, f"code is {error['code']}")
    visit.keep("wrong log-in", answer.request_id)
    return "401 BAD_CREDENTIALS"


def jwks(visit: Visit) -> str:
    """The keys that verify tokens are published."""
    keys = request(visit.url, "GET", "/.well-known/jwks.json").ok()["keys"]
    expect(keys, "there is no key")
    expect(all(key["kty"] == "OKP" and key["kid"] and key["x"] for key in keys), f"no Ed25519 key: {keys}")
    expect(not any("d" in key for key in keys), "a private key is published")
    return f"{len(keys)} Ed25519"


def openapi(visit: Visit) -> str:
    """OpenAPI and the documentation page are served."""
    document = request(visit.url, "GET", "/openapi.json").ok()
    expect(document["openapi"].startswith("3."), "no OpenAPI 3")
    expect("/v1/patients/{id}" in document["paths"], "patients are not described")
    page = request(visit.url, "GET", "/docs")
    expect(page.status == http.client.OK, f"/docs answered {page.status}")
    expect("text/html" in page.headers.get("content-type", ""), "/docs is no HTML")
    return f"{len(document['paths'])} paths"


# Refusals


def no_token(visit: Visit) -> str:
    """A call without a token is refused."""
    request(visit.url, "GET", "/v1/patients").refused(http.client.UNAUTHORIZED, "TOKEN_INVALID")
    return "401 TOKEN_INVALID"


def unknown_field(visit: Visit) -> str:
    """An unknown JSON field is refused, and named."""
    answer = visit.me.call("POST", "/v1/patients", {"given_name": "Asha", "famly_name": "Rao"})
    fields = _violations(answer.refused(http.client.BAD_REQUEST, "INVALID_ARGUMENT"))
    expect("patient.famly_name" in fields, f"named are {fields}")
    return "400, patient.famly_name"


def unknown_parameter(visit: Visit) -> str:
    """An unknown query parameter is refused, and named."""
    answer = visit.me.call("GET", "/v1/patients?page_sise=2")
    fields = _violations(answer.refused(http.client.BAD_REQUEST, "INVALID_ARGUMENT"))
    expect("page_sise" in fields, f"named are {fields}")
    return "400, page_sise"


def impossible_date(visit: Visit) -> str:
    """An impossible birth date is refused, and nothing is stored."""
    body = {"given_name": "Asha", "family_name": f"Never{visit.mark}", "birth_date": "1985-02-30"}
    answer = visit.me.call("POST", "/v1/patients", body)
    fields = _violations(answer.refused(http.client.BAD_REQUEST, "INVALID_ARGUMENT"))
    expect("patient.birth_date" in fields, f"named are {fields}")
    found = visit.me.call("POST", "/v1/patients:search", {"query": f"Never{visit.mark}"}).ok()
    expect(not found["patients"], "the patient was stored")
    return "400, patient.birth_date"


def oversized_body(visit: Visit) -> str:
    """A body over 4 MiB is refused."""
    answer = visit.me.call("POST", "/v1/patients", b" " * _TOO_LARGE)
    answer.refused(http.client.REQUEST_ENTITY_TOO_LARGE, "REQUEST_TOO_LARGE")
    return "413 REQUEST_TOO_LARGE"


def doctor(visit: Visit) -> str:
    """A doctor reads patients and may not manage users."""
    session: Session = visit.made("doctor")
    session.call("GET", f"/v1/patients/{visit.made('patient')['id']}").ok()
    user = {"username": f"tour-intruder-{visit.mark}", "password": PASSWORD, "role_codes": ["ADMIN"]}
    answer = session.call("POST", "/v1/users", user)
    answer.refused(http.client.FORBIDDEN, "PERMISSION_DENIED")
    visit.keep("denied call", answer.request_id)
    return "200, then 403 PERMISSION_DENIED"


def second_hospital(visit: Visit) -> str:
    """Another hospital finds nothing of the first one's patients."""
    platform = visit.platform or {}
    operator = visit.sign_in(platform["HMS_TENANT"], platform["HMS_USER"], platform["HMS_PASSWORD"])
    code = f"tour-{visit.mark}"
    body = {
        "tenant": {"code": code, "display_name": "Second Hospital"},
        "admin_username": "admin",
        "admin_password": _FIRST_PASSWORD,
        "request_id": ids.uuid7(),
    }
    tenant = operator.call("POST", "/v1/tenants", body).ok()
    # The operator knows this password: it opens nothing until the hospital has one of its own.
    newcomer = visit.sign_in(code, "admin", _FIRST_PASSWORD)
    newcomer.call("GET", "/v1/patients").refused(http.client.FORBIDDEN, "PASSWORD_CHANGE_REQUIRED")
    change = {"present_password": _FIRST_PASSWORD, "new_password": PASSWORD}
    newcomer.call("POST", "/v1/auth:changePassword", change).ok()
    stranger = visit.sign_in(code, "admin", PASSWORD)
    visit.keep("second hospital", (operator, tenant["id"], stranger))
    patient_id = visit.made("patient")["id"]
    path = f"/v1/patients/{patient_id}"
    stranger.call("GET", path).refused(http.client.NOT_FOUND, "NOT_FOUND")
    stranger.call("PATCH", path, {"gender": "male"}).refused(http.client.NOT_FOUND, "NOT_FOUND")
    found = stranger.call("POST", "/v1/patients:search", {"phone": visit.phone}).ok()
    expect(not found["patients"], "the search showed a patient of the first hospital")
    listed = stranger.call("GET", "/v1/patients?show_deleted=true").ok()
    expect(not listed["patients"], "the list showed patients of the first hospital")
    audited = stranger.call("GET", f"/v1/auditEvents?{urlencode({'patient_id': patient_id})}").ok()
    expect(not audited["audit_events"], "the audit showed events of the first hospital")
    return f"{code}: get, change, search, list and audit"


def own_limits(visit: Visit) -> str:
    """A limit of the second hospital's requests is in force at once, for it alone."""
    operator, tenant_id, stranger = visit.made("second hospital")
    limits = {"call_limits": {"max_request_bytes": _OWN_LIMIT, "concurrent_calls": 50}}
    operator.call("PATCH", f"/v1/tenants/{tenant_id}", limits).ok()
    large = {"query": "x" * _OWN_LIMIT}
    answer = stranger.call("POST", "/v1/patients:search", large)
    answer.refused(http.client.TOO_MANY_REQUESTS, "OVER_REQUEST_SIZE_OF_TENANT")
    stranger.call("POST", "/v1/patients:search", {"query": "x"}).ok()
    first = visit.me.call("POST", "/v1/patients:search", large)
    expect(first.status != http.client.TOO_MANY_REQUESTS, "the first hospital has the limit of the second")
    return f"429 OVER_REQUEST_SIZE_OF_TENANT above {_OWN_LIMIT} bytes"


def login_limit(visit: Visit) -> str:
    """Guessing passwords is stopped by the rate limit."""
    tenant, nobody = visit.env["HMS_TENANT"], f"nobody-{visit.mark}"
    for _ in range(_LOGIN_LIMIT):
        guess = visit.log_in(tenant, nobody, "a-guess-at-the-password")
        guess.refused(http.client.UNAUTHORIZED, "BAD_CREDENTIALS")
    answer = visit.log_in(tenant, nobody, "a-guess-at-the-password")
    answer.refused(http.client.TOO_MANY_REQUESTS, "RATE_LIMITED")
    wait = int(answer.headers.get("retry-after", "0"))
    expect(wait > 0, "there is no Retry-After")
    return f"429 at log-in {_LOGIN_LIMIT + 1}, Retry-After {wait} s"


def limit_headers(visit: Visit) -> str:
    """Replies tell how many calls are left."""
    session: Session = visit.made("doctor")
    path = f"/v1/patients/{visit.made('patient')['id']}"
    answers = [session.call("GET", path) for _ in range(2)]
    left = [int(answer.headers["x-ratelimit-remaining"]) for answer in answers]
    limit, reset = (int(answers[1].headers[f"x-ratelimit-{name}"]) for name in ("limit", "reset"))
    expect(left[1] < left[0] < limit, f"left are {left} of {limit}")
    expect(reset > 0, f"reset is {reset}")
    return f"{left[1]} of {limit}"


# Sessions


def refresh(visit: Visit) -> str:
    """A refresh gives a new pair of tokens."""
    session: Session = visit.made("doctor")
    before = session.refresh_token
    answer = request(visit.url, "POST", "/v1/auth:refresh", {"refresh_token": before})
    pair = answer.ok()
    expect(pair["refresh_token"] != before, "the refresh token is the same")
    session.access_token, session.refresh_token = pair["access_token"], pair["refresh_token"]
    session.call("GET", f"/v1/patients/{visit.made('patient')['id']}").ok()
    return ""


def logout(visit: Visit) -> str:
    """A log-out ends the session at once."""
    session: Session = visit.made("doctor")
    session.call("POST", "/v1/auth:logout", {}).ok()
    session.call("GET", f"/v1/patients/{visit.made('patient')['id']}").refused(
        http.client.UNAUTHORIZED, "SESSION_REVOKED"
    )
    again = request(visit.url, "POST", "/v1/auth:refresh", {"refresh_token": session.refresh_token})
    expect(again.status == http.client.UNAUTHORIZED, f"the refresh token still works: {again.status}")
    return "401 SESSION_REVOKED"


def microservice(visit: Visit) -> str:
    """A microservice signs in with a key of its own; what it signed works once."""
    private = ed25519.Ed25519PrivateKey.generate()
    form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    key = {"kid": "tour", "public_key": private.public_key().public_bytes(*form).decode()}
    body = {"name": f"tour-service-{visit.mark}", "permissions": ["patient.read"]}
    account = visit.me.call("POST", "/v1/serviceAccounts?without_secret=true", body).ok()
    account = visit.me.call("POST", f"/v1/serviceAccounts/{account['id']}:addKey", {"key": key}).ok()
    now = int(clock.unix_seconds())
    claims = {"iss": account["id"], "sub": account["id"], "aud": account["assertion_audience"]}
    claims |= {"iat": now, "exp": now + 60, "jti": ids.uuid7()}
    assertion = jwt.encode(claims, private, algorithm="EdDSA", headers={"kid": "tour"})
    proof = {"tenant": visit.env["HMS_TENANT"], "client_id": account["id"], "client_assertion": assertion}
    token = request(visit.url, "POST", "/v1/auth:token", proof).ok()["access_token"]
    session = {"authorization": f"Bearer {token}"}
    request(visit.url, "GET", f"/v1/patients/{visit.made('patient')['id']}", None, session).ok()
    request(visit.url, "POST", "/v1/auth:token", proof).refused(http.client.UNAUTHORIZED, "BAD_CREDENTIALS")
    return "200, and 401 for the same assertion"


def _violations(error: Any) -> list[str]:
    return [
        violation["field"]
        for detail in error["details"]
        if detail["@type"] == BAD_REQUEST
        for violation in detail["field_violations"]
    ]


ENTRANCE = (sign_in, make_users, wrong_password, jwks, openapi)
REFUSALS = (
    no_token,
    unknown_field,
    unknown_parameter,
    impossible_date,
    oversized_body,
    doctor,
    second_hospital,
    own_limits,
    login_limit,
    limit_headers,
)
SESSIONS = (refresh, microservice, logout)
# Steps that need the platform's administrator.
OF_THE_PLATFORM = (second_hospital, own_limits)
