"""Which addresses the rules let in, and when a process reads them anew."""

from __future__ import annotations

import pytest

from hms_server import clock, errors, ids
from hms_server.edge.interceptors.addresses import AddressInterceptor
from hms_server.edge.interceptors.errors import ErrorInterceptor
from hms_server.edge.interceptors.gate import GateInterceptor
from hms_server.edge.status import StatusError
from hms_server.gate import addresses
from hms_server.gate.addresses import AddressBook, AddressDenied, Rule, RuleSet
from hms_server.gate.bounds import ADDRESS_RULES_SECONDS
from tests.unit.edge_fixtures import TENANT, call, method, principal
from tests.unit.test_interceptors import Denials, FakeGate

HERE = "192.0.2.7"


def rules(*texts):
    return [Rule(str(n), *text.split()) for n, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("texts", "address", "admitted"),
    [
        ((), HERE, True),
        (("DENY 192.0.2.0/24",), HERE, False),
        (("DENY 192.0.2.0/24",), "::ffff:192.0.2.7", False),
        (("DENY 198.51.100.0/24",), HERE, True),
        (("DENY 2001:db8::/32",), "2001:db8:7::1", False),
        (("DENY 2001:db8::/32",), HERE, True),
        (("ALLOW 192.0.2.0/24",), HERE, True),
        (("ALLOW 198.51.100.0/24",), HERE, False),
        (("ALLOW 198.51.100.0/24",), "2001:db8::1", False),
        (("ALLOW 198.51.100.0/24", "ALLOW 192.0.2.7/32"), HERE, True),
        (("ALLOW 192.0.2.0/24", "DENY 192.0.2.7/32"), HERE, False),
        (("DENY 0.0.0.0/0",), "fe80::1%eth0", True),
        (("ALLOW 192.0.2.0/24",), "unix", True),
    ],
)
def test_a_denied_network_is_refused_and_an_allow_list_refuses_all_others(texts, address, admitted):
    found = RuleSet(rules(*texts))
    assert [found.admits(address) for _ in range(2)] == [admitted, admitted]


class Source:
    """PostgreSQL's part."""

    def __init__(self, *texts):
        self.rules = rules(*texts)
        self.asked = 0
        self.error = None

    def __call__(self, tenant_id):
        self.asked += 1
        if self.error:
            raise self.error
        return self.rules


@pytest.fixture
def now(monkeypatch):
    class Now:
        value = 1000.0

    monkeypatch.setattr(clock, "monotonic", lambda: Now.value)
    return Now


def test_rules_are_read_once_and_again_when_they_changed(now):
    source = Source()
    book = AddressBook(source)
    for _ in range(3):
        book.check(TENANT, HERE)
    assert source.asked == 1
    source.rules = rules("DENY 192.0.2.7/32")
    book.changed(TENANT)
    with pytest.raises(AddressDenied):
        book.check(TENANT, HERE)


def test_a_change_that_nobody_told_is_in_force_within_60_seconds(now):
    assert ADDRESS_RULES_SECONDS <= 60
    source = Source()
    book = AddressBook(source)
    book.check(TENANT, HERE)
    source.rules = rules("DENY 192.0.2.7/32")
    book.check(TENANT, HERE)
    now.value += ADDRESS_RULES_SECONDS
    with pytest.raises(AddressDenied):
        book.check(TENANT, HERE)


def test_a_change_while_the_rules_are_being_read_is_not_missed(now):
    source = Source()

    def load(tenant_id):
        found = source(tenant_id)
        if source.asked == 1:
            source.rules = rules("DENY 192.0.2.7/32")
            book.changed(TENANT)
        return found

    book = AddressBook(load)
    book.check(TENANT, HERE)
    with pytest.raises(AddressDenied):
        book.check(TENANT, HERE)


def test_what_is_known_stands_while_postgresql_is_away(now):
    source = Source("DENY 192.0.2.7/32")
    book = AddressBook(source)
    with pytest.raises(AddressDenied):
        book.check(TENANT, HERE)
    source.error = errors.Unavailable("away")
    now.value += 2 * ADDRESS_RULES_SECONDS
    with pytest.raises(AddressDenied):
        book.check(TENANT, HERE)
    book.check(TENANT, "192.0.2.8")
    with pytest.raises(errors.Unavailable):
        book.check(ids.uuid7(), HERE)


def test_a_flood_from_a_denied_address_leaves_one_audit_record_a_minute(now):
    book, denials = AddressBook(Source("DENY 192.0.2.0/24")), Denials()
    chain = ErrorInterceptor(denials, lambda tenant: None).bind(
        method(), AddressInterceptor(book).bind(method(), lambda c: pytest.fail("served"))
    )
    for _ in range(5):
        with pytest.raises(StatusError) as caught:
            chain(call())
        assert (caught.value.code, caught.value.reason) == ("PERMISSION_DENIED", "ADDRESS_DENIED")
    assert denials.recorded == [("PERMISSION_DENIED", "ADDRESS_DENIED")]
    now.value += 61
    with pytest.raises(StatusError):
        chain(call())
    assert len(denials.recorded) == 2


def test_a_hospitals_rules_are_its_own(now):
    book = AddressBook(lambda tenant: rules("DENY 192.0.2.0/24") if tenant == TENANT else [])
    handle = GateInterceptor(FakeGate(), book, str).bind(method(), lambda c: "served")
    made = call()
    made.principal = principal()
    with pytest.raises(AddressDenied):
        handle(made)
    made.principal = principal(tenant_id=ids.uuid7())
    assert handle(made) == "served"


def test_hospitals_and_addresses_that_are_made_up_push_out_the_oldest_alone(monkeypatch):
    monkeypatch.setattr(addresses, "_MOST_ENTRIES", 10)
    read = []

    def load(tenant):
        read.append(tenant)
        return [Rule("1", "DENY", "192.0.2.0/24")]

    book, refused = AddressBook(load), []
    for n in range(40):
        for tenant in ("real", f"made-up-{n}"):
            try:
                book.check(tenant, f"192.0.2.{n}" if tenant == "real" else "198.51.100.1")
            except AddressDenied as error:
                refused.append(error.first)
    assert (len(book._entries), len(book._refused)) == (10, 10)
    assert refused == [True] * 40
    # Of ten that come again nothing more is recorded.
    for n in range(30, 40):
        with pytest.raises(AddressDenied) as caught:
            book.check("real", f"192.0.2.{n}")
        assert not caught.value.first
    assert read.count("real") <= 5
