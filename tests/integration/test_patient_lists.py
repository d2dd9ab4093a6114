"""Pages of patients: every order, both ways, while others register."""

import pytest

from hms.patient.v1 import patient_pb2 as pb
from hms_server import errors
from tests.fix_patient import Registry

ORDERS = ["", "create_time asc", "create_time desc", "name", "name desc"]
FAMILIES = ["Rao", "Nair", "Das", "शर्मा", "Rao", "Iyer", "Rao"]


def _page(registry, order, token="", size=3, **fields):
    return registry.ListPatients(
        pb.ListPatientsRequest(order_by=order, page_token=token, page_size=size, **fields)
    )


def _ids(page):
    return [patient.id for patient in page.patients]


@pytest.mark.parametrize("order", ORDERS)
def test_pages_there_and_back(registry, order):
    made = [registry.create("A", family) for family in FAMILIES]
    expected = [p.id for p in made]
    if order.startswith("name"):
        names = {p.id: p.family_name.lower().replace("शर्मा", "sharma") for p in made}
        expected.sort(key=lambda i: (names[i], i))
    if order.endswith("desc"):
        expected.reverse()

    pages = [_page(registry, order)]
    while pages[-1].next_page_token:
        pages.append(_page(registry, order, pages[-1].next_page_token))
    assert [i for page in pages for i in _ids(page)] == expected
    assert not pages[0].previous_page_token

    back = [pages[-1]]
    while back[-1].previous_page_token:
        back.append(_page(registry, order, back[-1].previous_page_token))
    assert [_ids(page) for page in reversed(back)][1:] == [_ids(page) for page in pages][1:]
    assert _ids(back[-1]) == expected[: len(_ids(back[-1]))]


def test_whoever_is_registered_between_pages_moves_nobody(registry):
    made = [registry.create("A", f"N{i}").id for i in range(6)]
    first = _page(registry, "name")
    registry.create("A", "N")  # sorts before the first page
    second = _page(registry, "name", first.next_page_token)
    assert _ids(first) + _ids(second) == made
    before = _page(registry, "name", second.previous_page_token)
    assert _ids(before) == made[:3]
    assert before.previous_page_token


def test_a_token_belongs_to_its_list(servicer, registry, new_tenant):
    other = Registry(servicer, new_tenant())
    for hospital in (registry, other):
        for _ in range(4):
            hospital.create()
    token = _page(registry, "name").next_page_token
    for call in (
        lambda: _page(other, "name", token),
        lambda: _page(registry, "name desc", token),
        lambda: _page(registry, "", token),
        lambda: _page(registry, "name", token, show_deleted=True),
        lambda: _page(registry, "name", token[:-4]),
        lambda: _page(registry, "name", "%%"),
    ):
        with pytest.raises(errors.InvalidArgument) as refused:
            call()
        assert refused.value.reason == "INVALID_PAGE_TOKEN"
    assert _page(registry, "name", token, size=1).patients  # another size is another page of the same list


def test_who_is_listed_is_audited(registry, owner):
    made = [registry.create().id for _ in range(2)]
    _page(registry, "")
    named = owner.execute(
        "SELECT patient_ids::text[] FROM audit_outbox WHERE tenant_id = %s AND record->>'action' = 'READ'",
        [registry.tenant.id],
    ).fetchall()
    assert [sorted(row[0]) for row in named] == [sorted(made)]
