"""Calls without an access token: rules of addresses, and tries of reset tokens, behind the real gate."""

from __future__ import annotations

import base64
import os
import uuid

import pytest
import redis

from hms.admin.v1 import address_pb2
from hms.identity.v1 import identity_pb2 as pb
from hms_server import errors, ids
from hms_server.audit.denials import DenialAuditor
from hms_server.edge import chain
from hms_server.edge.bound import BoundMethod
from hms_server.edge.known import KnownTokens
from hms_server.edge.status import StatusError
from hms_server.gate.gate import Gate
from hms_server.gate.publisher import GatePublisher
from hms_server.gate.tiers import DEFAULTS, TOKENS
from hms_server.identity.door import Door
from hms_server.identity.gate_state import GateLoader
from hms_server.policy import load_policies
from tests.fix_identity import PASSWORD

LIMIT = DEFAULTS["LOGIN"].calls
NEW = "a new and better one"
FAR, HERE = "198.51.100.9", "192.0.2.7"
REQUESTS = {
    "Login": pb.LoginRequest,
    "Refresh": pb.RefreshRequest,
    "IssueServiceToken": pb.IssueServiceTokenRequest,
    "CompletePasswordReset": pb.CompletePasswordResetRequest,
    "GetJwks": pb.GetJwksRequest,
}


@pytest.fixture
def client(redis_url):
    with redis.Redis.from_url(redis_url, protocol=2) as made:
        yield made


@pytest.fixture
def dead():
    with redis.Redis(host="127.0.0.1", port=1, socket_timeout=0.1) as made:
        yield made


class Edge:
    """The chain of the server in front of a house's identity."""

    def __init__(self, house, client):
        self.house = house
        loader = GateLoader(house.database)
        gate = Gate(client, GatePublisher(client), loader.load)
        house.identity._own_password._door = Door(house.addresses.check, gate.strangers.check_login)
        self._chain = chain.build(
            chain.ChainParts(
                verifier=house.verifier,
                gate=gate,
                addresses=house.addresses,
                tenant_of=loader.tenant_of,
                directory=None,
                denials=DenialAuditor(house.database),
                known=KnownTokens(),
                nudge=lambda tenant: None,
                deadline_ceiling_seconds=15,
            )
        )

    def call(self, name, address=HERE, **fields):
        """OK, or the reason of the refusal."""
        policy = load_policies()[f"hms.identity.v1.IdentityService/{name}"]
        method = BoundMethod(policy, REQUESTS[name], 10_000)
        served = getattr(self.house.identity, name)
        handle = chain.bind(self._chain, method, lambda made: served(made.request, made))
        made = self.house.call(f"IdentityService/{name}", address=address)
        made.request = REQUESTS[name](**fields).SerializeToString()
        try:
            self.answer = handle(made)
        except StatusError as error:
            return error.reason
        return "OK"


@pytest.fixture
def edge(house, client):
    return Edge(house, client)


_hosts = iter(range(1, 60_000))


def address():
    """One that no test used before."""
    raw = uuid.UUID(ids.uuid7()).bytes
    return f"2001:db8:{raw[12:14].hex()}:{raw[14:16].hex()}::{next(_hosts):x}"


def deny(house, network, hospital=None):
    rule = address_pb2.AddressRule(action=address_pb2.ADDRESS_ACTION_DENY, network=network)
    request = address_pb2.CreateAddressRuleRequest(address_rule=rule)
    token = house.platform() if hospital is None else hospital.session.access_token
    made = house.do("AdminService/CreateAddressRule", request, token)
    house.addresses.all_changed()
    return made


def allow_again(house, rule, hospital=None):
    token = house.platform() if hospital is None else hospital.session.access_token
    house.do("AdminService/DeleteAddressRule", address_pb2.DeleteAddressRuleRequest(id=rule.id), token)
    house.addresses.all_changed()


@pytest.fixture
def meera(hospital):
    return hospital.user("meera")


def reset_token(hospital, user):
    request = pb.ResetPasswordRequest(id=user.id)
    return hospital.do("IdentityService/ResetPassword", request).token


def forged(hospital_id, user_id):
    """A token that names them, with a secret that is wrong."""
    raw = uuid.UUID(hospital_id).bytes + uuid.UUID(user_id).bytes + os.urandom(32)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def calls(hospital, meera):
    """What every public method that names a hospital needs to succeed."""
    account = hospital.do(
        "IdentityService/CreateServiceAccount",
        pb.CreateServiceAccountRequest(service_account=pb.ServiceAccount(name=f"s{ids.uuid7()}")),
    )
    return {
        "Login": {"tenant": hospital.code, "username": "admin", "password": PASSWORD},
        "Refresh": {"refresh_token": hospital.login("admin").refresh_token},
        "IssueServiceToken": {
            "tenant": hospital.id.upper(), "client_id": account.id, "client_secret": account.client_secret,
        },
        "CompletePasswordReset": {"token": reset_token(hospital, meera), "new_password": NEW},
    }  # fmt: skip


def test_every_public_method_is_one_of_these():
    public = {n.rpartition("/")[2] for n, p in load_policies().items() if p.access == "PUBLIC"}
    assert public == set(REQUESTS)


@pytest.mark.parametrize("whose", ["hospital", "platform"])
def test_no_public_method_serves_an_address_that_is_denied(house, hospital, meera, edge, whose):
    rule = deny(house, "198.51.100.0/24", hospital if whose == "hospital" else None)
    needed = calls(hospital, meera)
    for name, fields in needed.items():
        assert edge.call(name, FAR, **fields) == "ADDRESS_DENIED", name
    # Nothing of it was used up.
    for name, fields in needed.items():
        assert edge.call(name, HERE, **fields) == "OK", name
    assert edge.call("GetJwks", FAR) == ("OK" if whose == "hospital" else "ADDRESS_DENIED")
    allow_again(house, rule, hospital if whose == "hospital" else None)


def test_one_hospitals_rule_is_nothing_to_another(house, hospital, meera, edge):
    other = house.hospital()
    deny(house, "198.51.100.0/24", other)
    for name, fields in calls(hospital, meera).items():
        assert edge.call(name, FAR, **fields) == "OK", name


@pytest.mark.parametrize("name", ["Login", "Refresh", "IssueServiceToken", "CompletePasswordReset"])
def test_a_refused_address_is_told_in_the_hospitals_chain_once_a_minute(house, hospital, meera, edge, name):
    deny(house, "198.51.100.0/24", hospital)
    fields = calls(hospital, meera)[name]
    for _ in range(3):
        assert edge.call(name, FAR, **fields) == "ADDRESS_DENIED"
    found = [r for r in hospital.outbox() if r.get("reason") == "ADDRESS_DENIED"]
    assert [(r["method"].rpartition("/")[2], r["outcome"], r["address"]) for r in found] == [
        (name, "PERMISSION_DENIED", FAR)
    ]


def test_a_refresh_from_a_denied_address_leaves_the_session_as_it_was(house, hospital, edge):
    session = hospital.login("admin")
    caller = house.verifier.verify(session.access_token)
    deny(house, "198.51.100.0/24", hospital)
    house.published()
    before = row(house, caller.session_id)
    assert edge.call("Refresh", FAR, refresh_token=session.refresh_token) == "ADDRESS_DENIED"
    assert row(house, caller.session_id) == before
    assert house.published() == []
    record = [r for r in hospital.outbox() if r.get("reason") == "ADDRESS_DENIED"][-1]
    assert (record["entity_id"], record["actor_id"], record["actor_name"]) == (
        caller.session_id, caller.user_id, "admin",
    )  # fmt: skip
    assert edge.call("Refresh", HERE, refresh_token=session.refresh_token) == "OK"


def test_a_stolen_old_token_from_a_denied_address_ends_no_session(house, hospital, edge):
    session = hospital.login("admin")
    assert edge.call("Refresh", HERE, refresh_token=session.refresh_token) == "OK"
    second = edge.answer.refresh_token
    house.owner.execute("UPDATE session SET rotate_time = rotate_time - interval '1 minute'")
    deny(house, "198.51.100.0/24", hospital)
    assert edge.call("Refresh", FAR, refresh_token=session.refresh_token) == "ADDRESS_DENIED"
    assert edge.call("Refresh", HERE, refresh_token=second) == "OK"


def test_a_forged_refresh_token_tells_nothing_of_a_hospitals_rules(house, hospital, edge):
    deny(house, "198.51.100.0/24", hospital)
    text = forged(hospital.id, ids.uuid7())
    assert edge.call("Refresh", FAR, refresh_token=text) == "TOKEN_INVALID"


def row(house, session_id):
    return house.owner.execute("SELECT s::text FROM session s WHERE id = %s", [session_id]).fetchone()


# Reset tokens


def complete(edge, token, where, new=NEW):
    return edge.call("CompletePasswordReset", where, token=token, new_password=new)


def test_wrong_tokens_from_anywhere_never_keep_the_right_one_out(hospital, meera, edge):
    token = reset_token(hospital, meera)
    shared = address()
    for _ in range(3 * LIMIT):
        complete(edge, forged(hospital.id, meera.id), address())
    for _ in range(LIMIT + 2):
        complete(edge, forged(hospital.id, meera.id), shared)
    # Not even from the address of the guesser.
    assert complete(edge, token, shared) == "OK"
    assert hospital.login("meera", NEW).access_token


def test_wrong_tokens_of_one_account_are_told_alike_whether_it_is_there_or_not(house, hospital, meera, edge):
    """A guesser cannot tell users, hospitals, disabled ones or standing tokens by the answers."""
    reset_token(hospital, meera)
    out = hospital.user("out")
    hospital.change(out.id, state=pb.USER_STATE_DISABLED)
    suspended = house.hospital()
    for tenant_id, user_id in (
        (hospital.id, meera.id),
        (hospital.id, out.id),
        (hospital.id, ids.uuid7()),
        (suspended.id, meera.id),
        (ids.uuid7(), ids.uuid7()),
        (ids.PLATFORM_TENANT, ids.uuid7()),
    ):
        answers = [complete(edge, forged(tenant_id, user_id), address()) for _ in range(LIMIT + 2)]
        assert answers == ["TOKEN_INVALID"] * LIMIT + ["RATE_LIMITED"] * 2


def test_a_flood_of_wrong_tokens_leaves_few_records(hospital, meera, edge):
    before = len(hospital.outbox())
    for _ in range(5 * LIMIT):
        complete(edge, forged(hospital.id, meera.id), address())
    assert len(hospital.outbox()) - before == LIMIT


def test_an_address_shows_so_many_tokens_a_minute_and_others_are_served(hospital, meera, edge):
    flooder = address()
    answers = [complete(edge, forged(ids.uuid7(), ids.uuid7()), flooder) for _ in range(TOKENS.calls + 5)]
    assert answers == ["TOKEN_INVALID"] * TOKENS.calls + ["RATE_LIMITED"] * 5
    assert complete(edge, reset_token(hospital, meera), address()) == "OK"


def test_the_holder_of_a_token_has_five_tries_at_a_good_password(hospital, meera, edge):
    """Each costs a hash for each former password: also from many addresses there are no more."""
    token, home = reset_token(hospital, meera), address()
    weak = "hospital hospital"
    answers = [complete(edge, token, home if n % 2 else address(), weak) for n in range(LIMIT + 1)]
    assert answers == ["INVALID_ARGUMENT"] * LIMIT + ["RATE_LIMITED"]
    # Another way to write the same token is no way around.
    padded = (token + "=", token + "\n", f" {token}", token[:-1] + chr(ord(token[-1]) + 1), token + "!")
    for spelt in padded:
        assert complete(edge, spelt, address(), weak) == "TOKEN_INVALID"
    # Another token of the same user has tries of its own.
    assert complete(edge, reset_token(hospital, meera), home) == "OK"


def test_a_colleagues_bad_passwords_keep_nobody_else_of_the_address_out(hospital, meera, edge):
    home, other = address(), hospital.user("ravi")
    token = reset_token(hospital, meera)
    for _ in range(LIMIT + 3):
        complete(edge, token, home, "hospital hospital")
    assert complete(edge, reset_token(hospital, other), home) == "OK"


def test_without_redis_the_limits_of_tokens_hold_in_each_process(house, hospital, meera, dead):
    edge, token = Edge(house, dead), reset_token(hospital, meera)
    flooder = address()
    answers = [complete(edge, forged(ids.uuid7(), ids.uuid7()), flooder) for _ in range(TOKENS.calls + 2)]
    assert answers[-1] == "RATE_LIMITED"
    for _ in range(2 * LIMIT):
        complete(edge, forged(hospital.id, meera.id), address())
    assert complete(edge, token, address()) == "OK"


def test_a_refused_reset_is_still_the_edges_to_count(hospital, edge):
    """An address that goes on failing is blocked, as with passwords."""
    attacker = address()
    for _ in range(5):
        complete(edge, forged(hospital.id, ids.uuid7()), attacker)
    with pytest.raises(errors.ResourceExhausted):
        for _ in range(200):
            edge._chain[8]._gate.strangers.report_failure(attacker)
    assert complete(edge, forged(hospital.id, ids.uuid7()), attacker) == "ADDRESS_BLOCKED"


# Service accounts


def test_assertions_and_secrets_are_counted_together_and_by_the_limits_of_log_ins(hospital, edge):
    account = hospital.do(
        "IdentityService/CreateServiceAccount",
        pb.CreateServiceAccountRequest(service_account=pb.ServiceAccount(name="lab-gateway")),
    )
    guesser = address()

    def knock(where, **proof):
        return edge.call("IssueServiceToken", where, tenant=hospital.code, client_id=account.id, **proof)

    proofs = ({"client_assertion": "a.b.c"}, {"client_secret": "wrong"}) * LIMIT
    answers = [knock(guesser, **proof) for proof in proofs]
    assert answers == ["BAD_CREDENTIALS"] * LIMIT + ["RATE_LIMITED"] * LIMIT
    assert knock(address(), client_secret=account.client_secret) == "OK"
