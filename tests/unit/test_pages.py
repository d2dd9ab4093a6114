"""Page tokens: sealed, bound to their list, and right in both directions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hms_server import errors
from hms_server.database.pages import MAX_SIZE, Pages

TENANT = "01890000-0000-7000-8000-000000000001"
OTHER = "01890000-0000-7000-8000-000000000002"


def opened(pages, token="", size=2, tenant=TENANT, method="List", scope=("name",)):
    return pages.open(tenant_id=tenant, method=method, scope=scope, size=size, token=token)


def read(rows, page):
    """What the two SQL statements of a list do: rows after the key, or before it, nearest first."""
    after = page.key[0] if page.key else None
    if page.backward:
        return [r for r in reversed(rows) if r < after][: page.limit]
    return [r for r in rows if after is None or r > after][: page.limit]


def turn(pages, rows, token, size):
    page = opened(pages, token, size)
    return pages.close(page, read(rows, page), lambda r: (r,))


@given(st.lists(st.integers(-1000, 1000), unique=True), st.integers(1, 7))
def test_walking_forth_and_back_shows_every_row_once_in_order(values, size):
    rows, pages = sorted(values), Pages(bytes(32))
    shown, token, fronts = [], "", []
    while True:
        page, following, preceding = turn(pages, rows, token, size)
        shown += page
        fronts.append((page, preceding))
        if not following:
            break
        token = following
    assert shown == rows
    for (page, _), (_, preceding) in zip(fronts, fronts[1:], strict=False):
        assert turn(pages, rows, preceding, size)[0] == page
    assert fronts[0][1] == ""


@pytest.mark.parametrize(
    "change",
    [{"tenant": OTHER}, {"method": "Search"}, {"scope": ("create_time",)}, {"scope": ("name", "x")}],
)
def test_a_token_of_another_list_does_not_open(change):
    pages = Pages(bytes(32))
    _, token, _ = turn(pages, list(range(9)), "", 2)
    opened(pages, token)
    with pytest.raises(errors.InvalidArgument) as caught:
        opened(pages, token, **change)
    assert caught.value.reason == "INVALID_PAGE_TOKEN"


@pytest.mark.parametrize("token", ["x", "AAAA", "é", "a" * 2000, "====", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"])
def test_a_damaged_token_is_refused(token):
    with pytest.raises(errors.InvalidArgument):
        opened(Pages(bytes(32)), token)


def test_a_token_says_nothing_of_the_row_it_points_to():
    pages = Pages(bytes(32))
    page = opened(pages, size=1)
    _, token, _ = pages.close(page, ["Rao Asha", "Rao Bina"], lambda r: (r,))
    assert "Rao" not in token


def test_a_page_is_never_larger_than_the_limit():
    assert opened(Pages(bytes(32)), size=10_000).size == MAX_SIZE
