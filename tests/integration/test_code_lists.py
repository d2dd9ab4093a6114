"""A hospital's own codes: made one by one and by the hundred, found, changed, taken out of use."""

from __future__ import annotations

import pytest

from hms_server import errors, ids

SYSTEM = "urn:hospital:services"


def entry(code, display="Dressing", **fields):
    return {"system": SYSTEM, "code": code, "display": display, **fields}


def filled(codes, *given):
    return list(codes.BatchCreateCodeEntries(code_entries=given).code_entries)


def found(codes, **fields):
    return [e.code for e in codes.ListCodeEntries(**fields).code_entries]


def test_a_code_is_made_read_changed_and_taken_out_of_use(codes):
    made = codes.CreateCodeEntry(code_entry=entry("D1", synonyms=["bandage"]))
    assert (made.code, made.active, made.etag) == ("D1", True, "1")
    assert codes.GetCodeEntry(id=made.id) == made
    changed = codes.UpdateCodeEntry(code_entry={"id": made.id, "display": "Dressing, small", "etag": "1"})
    assert (changed.display, list(changed.synonyms), changed.etag) == ("Dressing, small", ["bandage"], "2")
    assert codes.UpdateCodeEntry(code_entry={"id": made.id, "display": "Dressing, small"}).etag == "2"
    ended = codes.DeactivateCodeEntry(id=made.id)
    assert not ended.active
    assert found(codes) == []
    assert found(codes, show_inactive=True) == ["D1"]
    assert codes.DeactivateCodeEntry(id=made.id).etag == ended.etag
    with pytest.raises(errors.Aborted):
        codes.UpdateCodeEntry(code_entry={"id": made.id, "active": True, "etag": "1"})
    assert codes.UpdateCodeEntry(code_entry={"id": made.id, "active": True}).active


@pytest.mark.parametrize("name", ["system", "code", "id"])
def test_what_never_changes_is_not_changed(codes, name):
    made = codes.CreateCodeEntry(code_entry=entry("D1"))
    with pytest.raises(errors.InvalidArgument):
        codes.UpdateCodeEntry(code_entry={"id": made.id, "code": "D2"}, update_mask={"paths": [name]})


def test_a_batch_is_all_or_nothing_and_says_what_stands(codes):
    codes.CreateCodeEntry(code_entry=entry("D2"))
    with pytest.raises(errors.AlreadyExists) as caught:
        filled(codes, entry("D1"), entry("D2"), entry("D3"))
    assert [v.field for v in caught.value.violations] == ["code_entries[1].code"]
    with pytest.raises(errors.InvalidArgument) as twice:
        filled(codes, entry("D1"), entry("D1 "))
    assert [v.field for v in twice.value.violations] == ["code_entries[1].code"]
    with pytest.raises(errors.InvalidArgument) as empty:
        filled(codes, entry("D1"), entry("", display=" "))
    assert {v.field for v in empty.value.violations} == {"code_entries[1].code", "code_entries[1].display"}
    assert found(codes) == ["D2"]
    assert [e.code for e in filled(codes, entry("D9"), entry("D1"))] == ["D9", "D1"]


def test_a_repeated_batch_is_made_once(codes):
    request = {"code_entries": [entry(f"D{i}") for i in range(500)], "request_id": ids.uuid7()}
    first = codes.BatchCreateCodeEntries(**request)
    assert codes.BatchCreateCodeEntries(**request) == first
    assert len(found(codes, page_size=1000)) == 500


def test_codes_are_found_by_words_prefix_and_system(codes):
    filled(
        codes,
        entry("A1", "Chest X-ray, two views"),
        entry("A2", "Chest CT", synonyms=["tomography"]),
        entry("B1", "X-ray of hand"),
        {**entry("A1", "Chest tube"), "system": "urn:other"},
    )
    assert found(codes, query="ches x") == ["A1"]
    assert found(codes, query="TOMO") == ["A2"]
    assert found(codes, code_prefix="A", system=SYSTEM) == ["A1", "A2"]
    assert found(codes, query="chest") == ["A1", "A2", "A1"]
    assert found(codes, code_prefix="%") == []
    with pytest.raises(errors.InvalidArgument):
        found(codes, query="%")


@pytest.mark.parametrize("system", ["", SYSTEM])
def test_pages_go_both_ways_without_a_gap(codes, system):
    filled(codes, *(entry(f"{i:02}") for i in range(7)))
    if not system:
        filled(codes, *({**entry(f"{i:02}"), "system": "urn:a"} for i in range(3)))
    scope = {"system": system, "page_size": 3}
    pages, token = [], ""
    while True:
        page = codes.ListCodeEntries(page_token=token, **scope)
        pages.append(page)
        token = page.next_page_token
        if not token:
            break
    every = [(e.system, e.code) for page in pages for e in page.code_entries]
    assert every == sorted(set(every))
    assert len(every) == (7 if system else 10)
    back = pages[-1]
    for expected in reversed(pages[:-1]):
        back = codes.ListCodeEntries(page_token=back.previous_page_token, **scope)
        assert list(back.code_entries) == list(expected.code_entries)
    with pytest.raises(errors.InvalidArgument):
        codes.ListCodeEntries(page_token=pages[0].next_page_token, page_size=3, system="urn:b")


def test_another_hospital_has_its_own_codes(codes, codes_of, new_tenant):
    made = codes.CreateCodeEntry(code_entry=entry("D1"))
    stranger = codes_of(new_tenant())
    assert found(stranger) == []
    stranger.CreateCodeEntry(code_entry=entry("D1"))
    for call in (
        lambda: stranger.GetCodeEntry(id=made.id),
        lambda: stranger.DeactivateCodeEntry(id=made.id),
        lambda: stranger.UpdateCodeEntry(code_entry={"id": made.id, "display": "x"}),
    ):
        with pytest.raises(errors.NotFound):
            call()
