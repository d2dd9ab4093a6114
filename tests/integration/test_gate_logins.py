"""Guessing passwords on a real Redis: how many tries reach the check, and who still gets in."""

from __future__ import annotations

import concurrent.futures

import pytest
import redis

from hms.identity.v1 import identity_pb2
from hms.patient.v1 import patient_pb2
from hms_server import errors, ids
from hms_server.edge.bound import BoundMethod
from hms_server.edge.interceptors.gate import GateInterceptor
from hms_server.gate import keys
from hms_server.gate.addresses import AddressBook
from hms_server.gate.gate import Gate, RateLimited
from hms_server.gate.publisher import GatePublisher
from hms_server.gate.tiers import BLOCK, DEFAULTS
from tests.unit.edge_fixtures import call, policy

LIMIT = DEFAULTS["LOGIN"].calls
RIGHT = "correct horse battery"


@pytest.fixture
def client(redis_url):
    with redis.Redis.from_url(redis_url, protocol=2, max_connections=300) as made:
        yield made


@pytest.fixture
def dead():
    with redis.Redis(host="127.0.0.1", port=1, socket_timeout=0.1) as made:
        yield made


class Door:
    """The login of one account behind the gate; counts the passwords that were looked at."""

    def __init__(self, client):
        self.strangers = Gate(client, GatePublisher(client), lambda *ids: None).strangers
        self.checked = []
        gate = Gate(client, GatePublisher(client), lambda *ids: None)
        interceptor = GateInterceptor(gate, AddressBook(lambda tenant: []), lambda name: name.lower())
        method = BoundMethod(
            policy(access="PUBLIC", permission="", rate_tier="LOGIN"), identity_pb2.LoginRequest, 1000
        )
        self.handle = interceptor.bind(method, self._check)
        self.account = f"u{ids.uuid7()}"

    def _check(self, made):
        self.checked.append(made.request.password)
        if made.request.password != RIGHT:
            raise errors.Unauthenticated("wrong", reason="BAD_CREDENTIALS")
        return "in"

    def knock(self, password, address, account=""):
        made = call()
        made.address = address
        made.request = identity_pb2.LoginRequest(
            tenant="citycare", username=account or self.account, password=password
        )
        try:
            return self.handle(made)
        except errors.HmsError as error:
            return error.reason

    def knock_together(self, addresses):
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            return list(pool.map(lambda address: self.knock("wrong", address), addresses))


@pytest.fixture
def door(client):
    return Door(client)


_addresses = iter(f"2001:db8:{n:x}::1" for n in range(1, 60_000))


def address():
    """One that no test used before."""
    return f"{next(_addresses)[:-3]}:{int(ids.uuid7()[-4:], 16):x}::1"


def test_of_200_wrong_logins_at_once_5_reach_the_check_and_the_right_user_elsewhere_gets_in(door):
    attacker = address()
    answers = door.knock_together([attacker] * 200)
    assert 1 <= len(door.checked) <= LIMIT
    assert set(answers) == {"BAD_CREDENTIALS", "RATE_LIMITED"}
    assert door.knock(RIGHT, address()) == "in"
    assert door.knock(RIGHT, attacker) == "RATE_LIMITED"


def test_200_wrong_logins_from_200_addresses_reach_the_check_5_times_and_a_known_address_gets_in(door):
    home = address()
    assert door.knock(RIGHT, home) == "in"
    door.checked.clear()
    door.knock_together([address() for _ in range(200)])
    assert len(door.checked) <= LIMIT
    assert door.knock(RIGHT, home) == "in"


def test_another_account_is_not_kept_out_by_that(door):
    attacker = address()
    door.knock_together([attacker] * 20)
    assert door.knock(RIGHT, attacker, f"u{ids.uuid7()}") == "in"


def test_an_accounts_name_is_one_however_it_is_spelt(door):
    attacker, name = address(), door.account
    for spelt in (name.upper(), name.title(), name) * 5:
        door.knock("wrong", attacker, spelt)
    assert len(door.checked) <= LIMIT


def test_neighbours_of_one_ipv6_subscriber_are_one_address(door):
    mine = address()
    for host in range(2, 30):
        door.knock("wrong", f"{mine[:-1]}{host:x}")
    assert len(door.checked) == LIMIT
    assert keys.network("::ffff:192.0.2.7") == keys.network("192.0.2.7")


def test_who_mistypes_and_then_gets_it_right_starts_anew_and_has_all_tries(door):
    home = address()
    for _ in range(LIMIT - 2):
        assert door.knock("wrong", home) == "BAD_CREDENTIALS"
    assert door.knock(RIGHT, home) == "in"
    for _ in range(LIMIT):
        assert door.knock("wrong", home) == "BAD_CREDENTIALS"
    assert door.knock(RIGHT, home) == "RATE_LIMITED"


def test_right_logins_from_many_places_use_up_nothing(door):
    assert {door.knock(RIGHT, address()) for _ in range(3 * LIMIT)} == {"in"}


def test_each_block_is_twice_as_long_up_to_a_bound_and_quiet_time_forgives(door, client):
    attacker = address()
    account = f"citycare\0{door.account}"
    names = keys.login(account, attacker)
    lengths = []
    for _ in range(7):
        client.delete(names[1], names[4])  # the block's time is over
        for _ in range(LIMIT + 1):
            door.knock("wrong", attacker)
        lengths.append(client.ttl(names[1]))
        client.delete(names[3])  # the account's window is over
    expected = [min(BLOCK.first * 2**n, BLOCK.bound) for n in range(7)]
    assert all(want - 5 <= got <= want for want, got in zip(expected, lengths, strict=True))
    assert lengths[-1] > BLOCK.bound - 5
    # How often there was a block is forgotten after the quiet time, and not before.
    assert BLOCK.quiet - 5 <= client.ttl(names[2]) - BLOCK.bound <= BLOCK.quiet


def test_an_address_that_keeps_failing_is_blocked_longer_each_time(door, client):
    strangers, attacker = door.strangers, address()
    for expected in (BLOCK.first, 2 * BLOCK.first):
        for _ in range(100):
            strangers.report_failure(attacker)
        with pytest.raises(RateLimited) as caught:
            strangers.report_failure(attacker)
        assert caught.value.reason == "ADDRESS_BLOCKED"
        assert expected - 5 <= caught.value.retry_seconds <= expected
        assert door.knock(RIGHT, attacker) == "ADDRESS_BLOCKED"
        client.delete(keys.of_address("FAILURES", attacker)[1])
    assert door.knock(RIGHT, address()) == "in"


def test_without_redis_this_process_counts_and_nobody_is_locked_out(dead):
    door, attacker, home = Door(dead), address(), address()
    assert door.knock(RIGHT, home) == "in"
    door.checked.clear()
    door.knock_together([attacker] * 40)
    assert len(door.checked) <= LIMIT
    assert door.knock(RIGHT, home) == "in"
    assert door.knock(RIGHT, address()) == "in"


def test_who_names_no_account_is_counted_by_address_and_keeps_no_other_out(client):
    gate = Gate(client, GatePublisher(client), lambda *ids: None)
    served = []
    method = BoundMethod(
        policy(access="PUBLIC", permission="", rate_tier="LOGIN"), patient_pb2.GetPatientRequest, 1000
    )
    handle = GateInterceptor(gate, AddressBook(lambda tenant: []), str).bind(method, refuse_after(served))

    def knock(where):
        made = call()
        made.address = where
        try:
            handle(made)
        except errors.HmsError as error:
            return error.reason

    guesser = address()
    assert {knock(guesser) for _ in range(20)} == {"TOKEN_INVALID", "RATE_LIMITED"}
    assert len(served) <= LIMIT
    assert knock(address()) == "TOKEN_INVALID"


def refuse_after(served):
    def handle(made):
        served.append(made)
        raise errors.Unauthenticated("wrong")

    return handle
