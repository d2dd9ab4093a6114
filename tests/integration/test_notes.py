"""Consultation notes: who writes, signs and changes them, and that a signature holds for its text alone."""

from __future__ import annotations

import dataclasses
import threading

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from hms_server import errors, ids
from hms_server.clinical import notes
from tests.fix_clinical import Charts, concept

SOAP = {"subjective": "Cough", "objective": "Clear", "assessment": "Cold", "plan": "Rest"}


@dataclasses.dataclass(frozen=True)
class Colleague:
    """Another user of the hospital."""

    tenant: object
    user_id: str

    def __getattr__(self, name):
        return getattr(self.tenant, name)

    def call(self, method):
        made = self.tenant.call(method)
        made.principal = dataclasses.replace(made.principal, user_id=self.user_id)
        return made


@pytest.fixture
def colleague(charts):
    return Charts(charts.servicer, Colleague(charts.tenant, ids.uuid7()))


@pytest.fixture
def encounter(charts, patient_id):
    return charts.create("ENCOUNTER", patient_id=patient_id, state="IN_PROGRESS")


def draft(charts, encounter, **fields):
    return charts.create("NOTE", encounter_id=encounter.id, **{**SOAP, **fields})


def sign(charts, note):
    return charts.SignNote(id=note.id, etag=note.etag)


def refused(call, error=errors.FailedPrecondition, reason="WRONG_STATE"):
    with pytest.raises(error) as caught:
        call()
    assert caught.value.reason == reason


def test_a_note_is_the_callers_draft_whatever_is_sent(charts, encounter):
    made = draft(
        charts,
        encounter,
        state="SIGNED",
        signatures=[{"type": "SIGN", "user_id": ids.uuid7()}],
        author_user_id=ids.uuid7(),
        amendment_reason="none",
    )
    assert (made.state, list(made.signatures), made.amendment_reason) == ("DRAFT", [], "")
    assert made.author_user_id == charts.tenant.user_id
    assert made.code.codings[0].code == "11488-4"
    assert made.patient_id == encounter.patient_id


def test_a_draft_is_its_authors_to_change(charts, colleague, encounter):
    made = draft(charts, encounter)
    refused(lambda: colleague.amend("NOTE", made.id, plan="Operate"), reason="NOT_AUTHOR")
    changed = charts.amend("NOTE", made.id, plan="Rest more")
    assert (changed.state, changed.plan, changed.etag) == ("DRAFT", "Rest more", "2")
    for path in ("state", "signatures", "author_user_id", "amendment_reason"):
        with pytest.raises(errors.InvalidArgument):
            charts.amend("NOTE", made.id, mask=[path])


def test_a_signature_holds_the_digest_of_the_text(charts, encounter):
    signed = sign(charts, draft(charts, encounter))
    (signature,) = signed.signatures
    assert (signed.state, signature.type, signature.user_id) == ("SIGNED", "SIGN", charts.tenant.user_id)
    assert signature.text_sha256 == notes.digest(signed)
    assert signature.sign_time
    assert charts.get("NOTE", signed.id) == signed


def test_only_what_was_read_is_signed(charts, encounter):
    made = draft(charts, encounter)
    charts.amend("NOTE", made.id, plan="Other")
    refused(lambda: sign(charts, made), errors.Aborted, "ETAG_MISMATCH")
    refused(lambda: sign(charts, draft(charts, encounter, **dict.fromkeys(SOAP, ""))))


def test_a_signed_note_is_not_signed_twice(charts, encounter):
    signed = sign(charts, draft(charts, encounter))
    refused(lambda: sign(charts, signed))


def test_another_user_co_signs(charts, colleague, encounter):
    made = draft(charts, encounter)
    refused(lambda: colleague.CoSignNote(id=made.id, etag=made.etag))
    signed = sign(charts, made)
    refused(lambda: charts.CoSignNote(id=signed.id, etag=signed.etag), reason="SAME_SIGNER")
    both = colleague.CoSignNote(id=signed.id, etag=signed.etag)
    assert [s.type for s in both.signatures] == ["SIGN", "CO_SIGN"]
    assert {s.text_sha256 for s in both.signatures} == {notes.digest(both)}
    refused(lambda: colleague.CoSignNote(id=both.id, etag=both.etag), reason="SAME_SIGNER")


def link(owner, charts, practitioner_id, user_id):
    owner.execute(
        "UPDATE practitioner SET user_id = %s WHERE tenant_id = %s AND id = %s",
        [user_id, charts.tenant.id, practitioner_id],
    )


@pytest.fixture
def accounts(owner, charts):
    """Practitioners of the hospital: one with the caller's account, one with another's, one with none."""
    made = [charts.entry("practitioner", {"names": [{"text": name}]}) for name in ("Rao", "Iyer", "Khan")]
    other = ids.uuid7()
    owner.execute(
        "INSERT INTO user_account (tenant_id, id, username, username_key, password_hash)"
        " VALUES (%s, %s, 'iyer', 'iyer', '-')",
        [charts.tenant.id, other],
    )
    link(owner, charts, made[0], charts.tenant.user_id)
    link(owner, charts, made[1], other)
    return made


def test_a_practitioner_with_an_account_signs_his_notes_himself(charts, colleague, encounter, accounts):
    own, anothers, _ = accounts
    refused(lambda: sign(colleague, draft(charts, encounter, practitioner_id=own)), reason="NOT_SIGNER")
    signed = sign(charts, draft(charts, encounter, practitioner_id=own))
    assert [s.user_id for s in signed.signatures] == [charts.tenant.user_id]
    # A second signature is another's by what it is.
    assert len(colleague.CoSignNote(id=signed.id, etag=signed.etag).signatures) == 2

    made = draft(charts, encounter, practitioner_id=anothers)
    with pytest.raises(errors.FailedPrecondition) as caught:
        sign(charts, made)
    assert (caught.value.reason, caught.value.metadata) == ("NOT_SIGNER", {"practitioner_id": anothers})
    assert charts.get("NOTE", made.id) == made
    changed = charts.amend("NOTE", made.id, practitioner_id=own)
    assert sign(charts, changed).state == "SIGNED"


def test_a_note_that_changed_is_again_its_practitioners_to_sign(charts, colleague, encounter, accounts):
    signed = sign(charts, draft(charts, encounter, practitioner_id=accounts[0]))
    amended = colleague.AmendNote(note={"id": signed.id, "plan": "Operate"}, reason="new finding")
    refused(lambda: sign(colleague, amended), reason="NOT_SIGNER")
    moved = colleague.AmendNote(note={"id": signed.id, "practitioner_id": accounts[2]}, reason="wrong name")
    assert (moved.state, list(moved.signatures)) == ("AMENDED", [])
    assert sign(colleague, moved).state == "SIGNED"


def test_without_an_account_whoever_may_sign_signs(owner, charts, colleague, encounter, accounts):
    assert sign(colleague, draft(charts, encounter, practitioner_id=accounts[2])).state == "SIGNED"
    assert sign(colleague, draft(charts, encounter)).state == "SIGNED"
    link(owner, charts, accounts[1], None)
    assert sign(charts, draft(charts, encounter, practitioner_id=accounts[1])).state == "SIGNED"


def test_a_signed_note_changes_with_a_reason_and_loses_its_signatures(charts, colleague, encounter):
    signed = sign(charts, draft(charts, encounter))
    with pytest.raises(errors.InvalidArgument, match="reason"):
        charts.amend("NOTE", signed.id, plan="Operate")
    same = charts.amend("NOTE", signed.id, plan=signed.plan)
    assert same == signed
    amended = colleague.AmendNote(note={"id": signed.id, "plan": "Operate"}, reason="new finding")
    assert (amended.state, list(amended.signatures)) == ("AMENDED", [])
    assert amended.amendment_reason == "new finding"
    again = sign(colleague, amended)
    assert (again.state, again.signatures[0].user_id) == ("SIGNED", colleague.tenant.user_id)
    stood = [v.record.note for v in charts.ListRecordVersions(record_id=signed.id).versions]
    assert [n.state for n in stood] == ["SIGNED", "AMENDED", "SIGNED", "DRAFT"]
    assert (stood[2].plan, stood[2].signatures[0].text_sha256) == ("Rest", notes.digest(stood[2]))


def test_notes_are_listed_by_state_in_the_encounter_and_its_timeline(charts, encounter):
    first, second = draft(charts, encounter), sign(charts, draft(charts, encounter))
    assert charts.listed("NOTE", encounter_id=encounter.id, states=["DRAFT"]) == [first.id]
    assert charts.listed("NOTE", encounter_id=encounter.id, states=["SIGNED"]) == [second.id]
    whole = charts.get("ENCOUNTER", encounter.id)
    assert [n.id for n in whole.notes] == [first.id, second.id]
    timeline = charts.GetPatientTimeline(patient_id=encounter.patient_id, types=["NOTE"]).records
    assert {r.note.id for r in timeline} == {first.id, second.id}


def test_a_note_entered_in_error_is_neither_signed_nor_changed(charts, colleague, encounter):
    marked = charts.mark("NOTE", sign(charts, draft(charts, encounter)).id)
    refused(lambda: sign(charts, marked))
    refused(lambda: colleague.CoSignNote(id=marked.id, etag=marked.etag))
    refused(lambda: charts.amend("NOTE", marked.id, plan="x"))


def test_a_repeated_signature_is_one(charts, encounter):
    made, request_id = draft(charts, encounter), ids.uuid7()
    first = charts.SignNote(id=made.id, etag=made.etag, request_id=request_id)
    assert charts.SignNote(id=made.id, etag=made.etag, request_id=request_id) == first


def test_who_signs_while_the_text_changes_signs_what_he_read_or_nothing(charts, encounter):
    for round_ in range(5):
        made = draft(charts, encounter)
        outcomes = []

        def attempt(call, outcomes=outcomes):
            try:
                call()
                outcomes.append("done")
            except errors.HmsError as error:
                outcomes.append(error.reason)

        calls = (
            lambda made=made: sign(charts, made),
            lambda made=made, round_=round_: charts.amend("NOTE", made.id, plan=f"Plan {round_}"),
        )
        threads = [threading.Thread(target=attempt, args=(call,)) for call in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        now = charts.get("NOTE", made.id)
        assert outcomes.count("done") == 1, outcomes
        assert (now.state == "SIGNED") == (now.plan == "Rest")


class Signing(RuleBasedStateMachine):
    """No sequence of calls gives a signed note whose text is another than the one that was signed."""

    given: tuple  # the author's charts, a colleague's, an encounter's id

    def __init__(self):
        super().__init__()
        self.charts, self.other, encounter_id = self.given
        self.note = self.charts.create("NOTE", encounter_id=encounter_id, **SOAP)

    def attempt(self, call):
        try:
            self.note = call()
        except errors.HmsError:
            self.note = self.charts.get("NOTE", self.note.id)

    @rule(
        who=st.booleans(),
        part=st.sampled_from(sorted(SOAP)),
        text=st.sampled_from(["", "Cough", "Rest", "New"]),
        reason=st.sampled_from(["", "why"]),
    )
    def change(self, who, part, text, reason):
        note = {"id": self.note.id, part: text}
        mask = {"paths": [part]}
        self.attempt(
            lambda: (self.charts if who else self.other).AmendNote(note=note, update_mask=mask, reason=reason)
        )

    @rule(code=st.sampled_from(["11488-4", "11506-3"]))
    def change_type(self, code):
        note = {"id": self.note.id, "code": concept(code, "Note", "http://loinc.org")}
        self.attempt(lambda: self.charts.AmendNote(note=note, reason="type"))

    @rule(who=st.booleans(), behind=st.integers(0, 1))
    def sign(self, who, behind):
        etag = str(max(1, int(self.note.etag) - behind))
        self.attempt(lambda: (self.charts if who else self.other).SignNote(id=self.note.id, etag=etag))

    @rule(who=st.booleans())
    def co_sign(self, who):
        self.attempt(
            lambda: (self.charts if who else self.other).CoSignNote(id=self.note.id, etag=self.note.etag)
        )

    @invariant()
    def what_is_signed_is_what_stands(self):
        note = self.charts.get("NOTE", self.note.id)
        if note.state == "SIGNED":
            assert note.signatures[0].type == "SIGN"
            assert len({signature.user_id for signature in note.signatures}) == len(note.signatures)
            assert {signature.text_sha256 for signature in note.signatures} == {notes.digest(note)}
        else:
            assert not note.signatures
        for version in self.charts.ListRecordVersions(record_id=note.id).versions:
            stood = version.record.note
            assert all(signature.text_sha256 == notes.digest(stood) for signature in stood.signatures)


def test_no_sequence_gives_a_signed_note_with_another_text(charts, colleague, encounter):
    machine = type("Signing_", (Signing,), {"given": (charts, colleague, encounter.id)})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=25, stateful_step_count=15, deadline=None)
    )
