"""Rules of addresses through the API, on PostgreSQL and Redis, as two processes see them."""

from __future__ import annotations

import time

import pytest

from hms.admin.v1 import address_pb2 as pb
from hms_server import errors, ids
from hms_server.admin.address_store import AddressRuleLoader
from hms_server.cache import client as redis_client
from hms_server.cli import address_rules
from hms_server.gate.addresses import AddressBook, AddressDenied
from hms_server.gate.listener import AddressListener
from hms_server.gate.publisher import GatePublisher
from hms_server.identity.gate_state import GateLoader
from tests.fix_identity import House

HERE = "192.0.2.7"  # where the house's calls come from
ELSEWHERE = "198.51.100.9"
DENY, ALLOW = pb.ADDRESS_ACTION_DENY, pb.ADDRESS_ACTION_ALLOW


@pytest.fixture(scope="module")
def client(redis_url, settings):
    with redis_client.connect(redis_url, settings) as made:
        yield made


@pytest.fixture(scope="module")
def house(app_database, owner, keys, settings, client):
    """As in use: publications go to Redis."""
    return House(app_database, owner, keys, settings, GatePublisher(client))


@pytest.fixture
def hospital(house):
    return house.hospital()


@pytest.fixture
def book(house, client):
    """Another process's."""
    made = AddressBook(AddressRuleLoader(house.database).load)
    listener = AddressListener(client, made, lambda tenant: None)
    listener.start()
    yield made
    listener.stop()


def create(whose, action, network, token="", **fields):
    request = pb.CreateAddressRuleRequest(
        address_rule=pb.AddressRule(action=action, network=network), **fields
    )
    return whose.do("AdminService/CreateAddressRule", request, token)


def delete(whose, rule, token=""):
    whose.do("AdminService/DeleteAddressRule", pb.DeleteAddressRuleRequest(id=rule.id), token)


def listed(whose, token="", **fields):
    return whose.do("AdminService/ListAddressRules", pb.ListAddressRulesRequest(**fields), token)


def admits(book, tenant_id, address):
    try:
        book.check(tenant_id, address)
        return True
    except AddressDenied:
        return False


def within_a_second(look):
    until = time.monotonic() + 1.0
    while not look():
        assert time.monotonic() < until, "it did not reach the other process"
        time.sleep(0.005)


def test_a_rule_and_its_end_reach_another_process_within_a_second(hospital, book):
    assert admits(book, hospital.id, ELSEWHERE)
    rule = create(hospital, DENY, "198.51.100.0/24")
    within_a_second(lambda: not admits(book, hospital.id, ELSEWHERE))
    assert admits(book, hospital.id, HERE)
    delete(hospital, rule)
    within_a_second(lambda: admits(book, hospital.id, ELSEWHERE))
    assert list(listed(hospital).address_rules) == []


def test_one_hospitals_rules_are_nothing_to_another(house, hospital, book):
    create(hospital, DENY, "198.51.100.0/24")
    other = house.hospital()
    assert not admits(book, hospital.id, ELSEWHERE)
    assert admits(book, other.id, ELSEWHERE)
    assert list(listed(other).address_rules) == []


def test_a_rule_that_stands_is_not_made_twice_but_after_its_end_again(hospital):
    rule = create(hospital, ALLOW, "192.0.2.0/24")
    with pytest.raises(errors.AlreadyExists):
        create(hospital, ALLOW, "192.0.2.0/24")
    delete(hospital, rule)
    with pytest.raises(errors.NotFound):
        delete(hospital, rule)
    assert create(hospital, ALLOW, "192.0.2.0/24").id != rule.id


@pytest.mark.parametrize(
    ("action", "network"), [(DENY, "192.0.2.0/24"), (DENY, "0.0.0.0/0"), (ALLOW, "198.51.100.0/24")]
)
def test_nobody_locks_himself_out_by_mistake(hospital, action, network):
    with pytest.raises(errors.FailedPrecondition, match="the address that you call from"):
        create(hospital, action, network)
    assert list(listed(hospital).address_rules) == []


def test_the_rule_that_lets_its_owner_in_stays_while_others_would_keep_him_out(hospital):
    own = create(hospital, ALLOW, "192.0.2.7/32")
    create(hospital, ALLOW, "198.51.100.0/24")
    with pytest.raises(errors.FailedPrecondition):
        delete(hospital, own)


def test_rules_come_in_pages_both_ways(hospital):
    made = [create(hospital, DENY, f"203.0.113.{n}/32").id for n in range(5)]
    first = listed(hospital, page_size=2)
    second = listed(hospital, page_size=2, page_token=first.next_page_token)
    back = listed(hospital, page_size=2, page_token=second.previous_page_token)
    assert [r.id for r in [*first.address_rules, *second.address_rules]] == sorted(made)[:4]
    assert back.address_rules == first.address_rules


def test_the_command_opens_the_platform_again(house, client, book, settings, redis_url):
    token = house.platform()
    create(house, DENY, "198.51.100.0/24", token)
    within_a_second(lambda: not admits(book, ids.PLATFORM_TENANT, ELSEWHERE))
    told = address_rules.clear(house.database, settings.model_copy(update={"redis_url": redis_url}), "")
    assert told == "ended 1 rules"
    within_a_second(lambda: admits(book, ids.PLATFORM_TENANT, ELSEWHERE))
    record = [r for r in house.outbox(ids.PLATFORM_TENANT) if r["entity_type"] == "address_rule"][-1]
    assert (record["action"], record["method"]) == ("DELETE", "hms platform clear-address-rules")


def test_the_command_opens_a_hospital_again(house, hospital, settings):
    create(hospital, DENY, "198.51.100.0/24")
    silent = settings.model_copy(update={"redis_url": ""})
    assert address_rules.clear(house.database, silent, hospital.code).startswith("ended 1 rules")
    assert list(listed(hospital).address_rules) == []
    with pytest.raises(errors.NotFound):
        address_rules.clear(house.database, silent, "no-such-hospital")


def test_a_tenant_is_one_by_code_and_by_id(house, hospital):
    loader = GateLoader(house.database)
    assert loader.tenant_of(hospital.code) == loader.tenant_of(hospital.id.upper()) == hospital.id
    assert loader.tenant_of("no-such-hospital") == loader.tenant_of("?") == ""
