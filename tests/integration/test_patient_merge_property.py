"""Merges and unmerges in any order lose nothing, double nothing, and lead every UHID to one live record."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hms.patient.v1 import merge_pb2
from hms.patient.v1 import patient_pb2 as pb
from hms_server import errors
from hms_server.patient import keys
from tests.fix_merge import Ward
from tests.fix_patient import Registry

# Threads of the connection pool draw random numbers whenever they like.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module:Warning")
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
KINDS = ("OBSERVATION", "CONDITION", "PRESCRIPTION")
PHONES = ("9000000001", "9000000002", "+91 90000 00001")

patients = st.fixed_dictionaries(
    {
        "names": st.lists(st.sampled_from(["Asha", "Usha", "Ravi"]), min_size=1, max_size=2),
        "gender": st.sampled_from(["", "male", "female"]),
        "birth_date": st.sampled_from(["", "1984", "1984-02-29"]),
        "deceased": st.booleans(),
        "marital_status": st.sampled_from(["", "M", "W"]),
        "phones": st.lists(st.sampled_from(PHONES), max_size=2),
        "languages": st.lists(st.sampled_from(["hi", "ta"]), max_size=2),
        "records": st.lists(st.sampled_from(KINDS), max_size=3),
        "encounters": st.integers(0, 2),
    }
)
registries = st.lists(patients, min_size=2, max_size=5)
merges = st.tuples(
    st.just("merge"), st.integers(0, 4), st.integers(0, 4), st.integers(0, 31).map(lambda n: f"{n:05b}")
)
steps = st.one_of(
    merges,
    merges,
    st.tuples(st.just("unmerge"), st.integers(0, 9)),
    st.tuples(st.just("write"), st.integers(0, 4), st.sampled_from(KINDS)),
    st.tuples(st.just("write inside"), st.integers(0, 9), st.sampled_from(KINDS)),
    st.tuples(st.just("amend"), st.integers(0, 30)),
    st.tuples(st.just("amend into"), st.integers(0, 30), st.integers(0, 9)),
    st.tuples(st.just("change"), st.integers(0, 4), st.sampled_from(["other", "unknown"])),
)


class Model:
    """The hospital, and beside it what must be true of it: whose each row is."""

    def __init__(self, ward, described):
        self.ward = ward
        self.ids, self.uhids = [], {}
        self.owner = {}  # row: patient
        self.inside = {}  # record: its encounter
        self.encounters = []
        self.into = {}  # merged patient: the one it went into
        self.merges = []  # (merge id, survivor, merged, rows that went)
        for one in described:
            made = ward.registry.CreatePatient(
                pb.CreatePatientRequest(
                    patient=pb.Patient(
                        names=[pb.HumanName(given_names=[name], family_name="Rao") for name in one["names"]],
                        gender=one["gender"],
                        birth_date=one["birth_date"],
                        deceased=one["deceased"],
                        marital_status=one["marital_status"],
                        telecoms=[pb.Telecom(system="phone", value=phone) for phone in one["phones"]],
                        communications=[pb.Communication(language=code) for code in one["languages"]],
                    )
                )
            )
            self.ids.append(made.id)
            self.uhids[made.id] = made.uhid
            for _ in range(one["encounters"]):
                self.encounters.append(ward.encounter(made.id))
                self.owner[self.encounters[-1]] = made.id
            for kind in one["records"]:
                self.owner[ward.record(made.id, kind)] = made.id

    def pick(self, number):
        return self.ids[number % len(self.ids)]

    def last(self, patient):
        while patient in self.into:
            patient = self.into[patient]
        return patient

    def merge(self, one, other, bits):
        """Merges what the numbers say, with decisions by `bits`; whether it was possible."""
        survivor, merged = self.pick(one), self.pick(other)
        if survivor == merged:
            return False
        if survivor in self.into or merged in self.into:
            gone = survivor if survivor in self.into else merged
            with pytest.raises(errors.FailedPrecondition) as refused:
                self.ward.merge(survivor, merged)
            assert refused.value.metadata["survivor_id"] == self.last(gone)
            return False
        shown = self.ward.registry.PreviewMerge(
            merge_pb2.PreviewMergeRequest(survivor_id=survivor, merged_id=merged)
        )
        decide = {
            conflict.field: "MERGED" if bit == "1" else "SURVIVOR"
            for conflict, bit in zip(shown.conflicts, bits, strict=False)
        }
        made = self.ward.merge(survivor, merged, decide=decide)
        assert made.moved == shown.moved
        went = [row for row, patient in self.owner.items() if patient == merged]
        assert sum(each.count for each in made.moved) == len(went)
        self.owner.update(dict.fromkeys(went, survivor))
        self.into[merged] = survivor
        self.merges.append((made.id, survivor, merged, went))
        return True

    def unmerge(self, number):
        if not self.merges:
            return
        place = number % len(self.merges)
        merge_id, survivor, merged, went = self.merges[place]
        if survivor in self.into:
            with pytest.raises(errors.FailedPrecondition):
                self.ward.unmerge(merge_id)
            return
        self.ward.unmerge(merge_id)
        self.owner.update(dict.fromkeys(went, merged))
        # What is in an encounter goes with it.
        self.owner.update({record: self.owner[visit] for record, visit in self.inside.items()})
        del self.into[merged]
        del self.merges[place]

    def take(self, step):
        match step:
            case ("merge", one, other, bits):
                self.merge(one, other, bits)
            case ("unmerge", number):
                self.unmerge(number)
            case ("write", number, kind):
                patient = self.last(self.pick(number))
                self.owner[self.ward.record(patient, kind)] = patient
            case ("write inside", number, kind) if self.encounters:
                visit = self.encounters[number % len(self.encounters)]
                record = self.ward.record(self.owner[visit], kind, visit)
                self.owner[record], self.inside[record] = self.owner[visit], visit
            case ("amend into", number, place) if self.owner and self.encounters:
                record = list(self.owner)[number % len(self.owner)]
                visit = self.encounters[place % len(self.encounters)]
                if record not in self.encounters and self.owner[record] == self.owner[visit]:
                    self.ward.amend_into(record, visit)
                    self.inside[record] = visit
            case ("amend", number) if self.owner:
                self.ward.amend(list(self.owner)[number % len(self.owner)])
            case ("change", number, gender):
                patient = self.last(self.pick(number))
                self.ward.registry.UpdatePatient(
                    pb.UpdatePatientRequest(patient=pb.Patient(id=patient, gender=gender))
                )

    def check(self):
        """What must hold after any steps."""
        for patient in self.ids:
            rows = {row for row, whose in self.owner.items() if whose == patient}
            assert self.ward.rows_of(patient) == rows
            assert not rows or patient not in self.into
            last = self.last(patient)
            found = self.ward.registry.GetPatient(pb.GetPatientRequest(id=patient))
            assert found.merged_into_id == (last if last != patient else "")
            assert found.HasField("delete_time") == (last != patient)
            assert self.ward.registry.search(uhid=self.uhids[patient]) == [last]
            assert self.ward.registry.search(self.uhids[patient]) == [last]
            answers_to = {self.uhids[p] for p in self.ids if p != patient and self.last(p) == patient}
            assert set(found.merged_uhids) == answers_to
            assert len(found.merged_uhids) == len(answers_to)
        # Index columns are those of the documents.
        stored = {}
        for kind, value, patient in self.ward.state()["patient_key"]:
            stored.setdefault(str(patient), set()).add((kind, value))
        for row in self.ward.state()["patient"]:
            patient, uhid, document, name_key, birth_date, search_text = str(row[0]), *row[1:6]
            if patient not in self.into:
                derived = keys.derive(document, uhid, row[8])
                assert (name_key, birth_date, search_text) == (
                    derived.name_key,
                    derived.birth_date,
                    derived.search_text,
                )
                assert stored[patient] == set(derived.pairs)
            else:
                assert patient not in stored


def hospital(owner, servicer, new_tenant):
    """A new hospital. Hypothesis makes `random` begin anew with every example, and ids with it."""
    random.seed()
    return Ward(owner, Registry(servicer, new_tenant()))


@QUICK
@given(described=registries, wanted=st.lists(merges, min_size=1, max_size=6))
def test_merges_taken_back_from_the_last_restore_exactly_what_stood(
    owner, servicer, new_tenant, described, wanted
):
    model = Model(hospital(owner, servicer, new_tenant), described)
    states = []
    for _, *step in wanted:
        before = model.ward.state()
        if model.merge(*step):
            states.append(before)
    model.check()
    for state in reversed(states):
        model.unmerge(len(model.merges) - 1)
        assert model.ward.state() == state
    model.check()


@QUICK
@given(described=registries, taken=st.lists(steps, min_size=1, max_size=12))
def test_whatever_is_done_every_row_and_every_uhid_has_one_live_patient(
    owner, servicer, new_tenant, described, taken
):
    model = Model(hospital(owner, servicer, new_tenant), described)
    for step in taken:
        model.take(step)
    model.check()
