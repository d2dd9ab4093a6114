"""From a broken glass to a mail: who is told, what becomes of each mail, and that none is lost."""

from __future__ import annotations

import logging
import threading

import pytest

from hms.admin.v1 import admin_pb2
from hms.patient.v1 import break_glass_pb2 as pb
from hms_server import errors, ids
from hms_server.admin.settings import SettingsBook
from hms_server.database.requests import RequestIds
from hms_server.notify import kinds, outbox, post, store
from hms_server.notify.smtp import Server
from hms_server.telemetry import metrics
from hms_server.workers import cron
from tests.fix_mail import HEAD

OFFICER, SECOND = "officer@hospital.example", "second@hospital.example"


@pytest.fixture
def hospital(registry, owner, app_database, keys):
    """A hospital with a patient, its settings, and its mails as the owner sees them."""
    return House(
        registry, owner, SettingsBook(database=app_database, request_ids=RequestIds(keys.request_hash))
    )


class House:
    def __init__(self, registry, owner, book):
        self.registry, self.owner, self._book = registry, owner, book
        self.tenant = registry.tenant
        self.patient = registry.create("Kamala", "Devi")

    def officers(self, *addresses):
        settings = admin_pb2.Settings(privacy_officer_emails=addresses)
        request = admin_pb2.UpdateSettingsRequest(settings=settings)
        request.update_mask.paths.append("privacy_officer_emails")
        return self._book.update(request, self.tenant.call("AdminService/UpdateSettings"))

    def break_glass(self, **fields):
        request = {
            "patient_id": self.patient.id,
            "reason": "unconscious, no relatives",
            "duration_seconds": 600,
        }
        return self.registry.BreakGlass(pb.BreakGlassRequest(**{**request, **fields}))

    def user(self, name, email, *roles, state="ACTIVE", tenant=None):
        tenant_id, user_id = tenant or self.tenant.id, ids.uuid7()
        self.owner.execute(
            "INSERT INTO user_account (tenant_id, id, username, username_key, password_hash, email, state)"
            " VALUES (%s, %s, %s, %s, '-', %s, %s)",
            [tenant_id, user_id, name, name, email, state],
        )
        for role_id in roles:
            self.give(user_id, role_id, tenant_id)
        return user_id

    def give(self, user_id, role_id, tenant_id=None):
        self.owner.execute(
            "INSERT INTO user_role (tenant_id, user_id, role_id) VALUES (%s, %s, %s)",
            [tenant_id or self.tenant.id, user_id, role_id],
        )

    def role(self, code, *permissions, system=False, everything=False, tenant=None):
        role_id = ids.uuid7()
        self.owner.execute(
            "INSERT INTO role (tenant_id, id, code, permissions, system, all_permissions)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [tenant or self.tenant.id, role_id, code, list(permissions), system, everything],
        )
        return role_id

    def mails(self):
        rows = self.owner.execute(
            "SELECT recipient, address, state, tries, reply, detail FROM mail WHERE tenant_id = %s"
            " ORDER BY id, recipient",
            [self.tenant.id],
        )
        return rows.fetchall()

    def states(self):
        return {row[1]: row[2] for row in self.mails()}

    def due(self):
        """The pause is over."""
        self.owner.execute("UPDATE mail SET due_time = now() WHERE tenant_id = %s", [self.tenant.id])

    def notice(self, grant):
        shown = self.registry.GetBreakGlass(pb.GetBreakGlassRequest(id=grant.id))
        return pb.BreakGlassNotice.Name(shown.notice).removeprefix("BREAK_GLASS_NOTICE_")


def test_each_officer_gets_a_mail_of_his_own_once(hospital, post, smtp_server):
    hospital.officers(OFFICER, SECOND)
    grant = hospital.break_glass()
    assert hospital.notice(grant) == "WAITING"
    assert post.run(hospital.tenant.id).sent == 2
    assert post.run(hospital.tenant.id).sent == 0
    assert sorted(taken.recipients for taken in smtp_server.taken) == [[OFFICER], [SECOND]]
    assert len({taken.identity for taken in smtp_server.taken}) == 2
    for taken in smtp_server.taken:
        assert taken.message["To"] == taken.recipients[0]
        assert f"https://front.example/app/breakGlass/{grant.id}" in taken.text
        assert "asha broke the glass" in taken.text
    assert hospital.notice(grant) == "SENT"


def test_a_mail_and_its_row_hold_nothing_of_the_patient(hospital, post, smtp_server, owner):
    hospital.officers(OFFICER)
    hospital.break_glass(uhid=hospital.patient.uhid, patient_id="", reason="Kamala Devi fell down the stairs")
    post.run(hospital.tenant.id)
    rows = owner.execute("SELECT m::text FROM mail m WHERE tenant_id = %s", [hospital.tenant.id]).fetchall()
    seen = (smtp_server.taken[0].raw.decode() + str(rows)).lower()
    for secret in ("kamala", "devi", "stairs", hospital.patient.uhid.lower(), hospital.patient.id):
        assert secret not in seen


def test_a_mail_is_asked_for_with_the_grant_and_not_without(hospital, monkeypatch):
    hospital.officers(OFFICER)
    with pytest.raises(errors.NotFound):
        hospital.break_glass(patient_id=ids.uuid7())
    assert hospital.mails() == []
    request_id = ids.uuid7()
    first, repeat = (hospital.break_glass(request_id=request_id) for _ in range(2))
    assert first.id == repeat.id
    assert len(hospital.mails()) == 1

    def fail(*_):
        raise RuntimeError

    # What fails after the mail was asked for takes it back.
    monkeypatch.setattr("hms_server.patient.break_glass_store.read", fail)
    with pytest.raises(RuntimeError):
        hospital.break_glass()
    assert len(hospital.mails()) == 1


def test_without_addresses_those_who_may_review_are_told_but_not_the_one_who_broke_it(hospital):
    reviewer = hospital.role("REVIEWER", "break_glass.review")
    administrator = hospital.role("ADMIN", system=True, everything=True)
    doctor = hospital.role("DOCTOR", system=True)
    hospital.user("reviewer", "reviewer@hospital.example", reviewer)
    hospital.user("boss", "boss@hospital.example", administrator, reviewer)
    hospital.user("doctor", "doctor@hospital.example", doctor)
    # One mail for one address, whoever has it.
    hospital.user("reviewer-2", "Reviewer@hospital.example", reviewer)
    hospital.user("gone", "gone@hospital.example", reviewer, state="DISABLED")
    hospital.user("silent", "", reviewer)
    hospital.owner.execute(
        "UPDATE user_account SET email = 'asha@hospital.example' WHERE tenant_id = %s AND id = %s",
        [hospital.tenant.id, hospital.tenant.user_id],
    )
    hospital.give(hospital.tenant.user_id, reviewer)
    hospital.break_glass()
    told = {address.lower() for address in hospital.states()}
    assert told == {"reviewer@hospital.example", "boss@hospital.example"}
    assert len(hospital.mails()) == 2


def test_another_hospitals_reviewers_and_officers_are_not_told(hospital, new_tenant, owner):
    other = new_tenant()
    owner.execute(
        "UPDATE tenant_setting SET privacy_officer_emails = '{other@elsewhere.example}' WHERE tenant_id = %s",
        [other.id],
    )
    role = hospital.role("REVIEWER", "break_glass.review", tenant=other.id)
    hospital.user("reviewer", "reviewer@elsewhere.example", role, tenant=other.id)
    hospital.break_glass()
    assert hospital.states() == {"": "NOBODY"}
    assert owner.execute("SELECT 1 FROM mail WHERE tenant_id = %s", [other.id]).fetchall() == []


def test_where_there_is_nobody_the_glass_breaks_all_the_same_and_everybody_can_see_it(hospital, caplog):
    count = metrics.MAILS.labels("BREAK_GLASS", "nobody")._value
    before = count.get()
    with caplog.at_level(logging.WARNING):
        grant = hospital.break_glass()
    assert hospital.notice(grant) == "NOBODY"
    assert count.get() == before + 1
    (record,) = [r for r in caplog.records if "nobody" in r.getMessage()]
    assert record.fields["entity_id"] == grant.id
    listed = hospital.registry.ListBreakGlass(pb.ListBreakGlassRequest(unreviewed=True))
    assert listed.grants[0].notice == pb.BREAK_GLASS_NOTICE_NOBODY


def test_one_refused_address_does_not_keep_the_others_from_their_mail(hospital, post, smtp_server):
    hospital.officers(OFFICER, SECOND)
    smtp_server.answers[OFFICER] = "550 5.1.1 no such user"
    grant = hospital.break_glass()
    done = post.run(hospital.tenant.id)
    assert (done.sent, [failed.reply for failed in done.failed]) == (1, ["550 5.1.1"])
    assert hospital.states() == {OFFICER: "FAILED", SECOND: "SENT"}
    assert hospital.notice(grant) == "SENT"
    hospital.due()
    assert post.run(hospital.tenant.id).sent == 0
    # The operator has it tried again once the address works.
    assert post.again(done.failed[0]) == "550 5.1.1"
    smtp_server.answers.clear()
    assert post.again(done.failed[0]) == ""
    assert hospital.states() == {OFFICER: "SENT", SECOND: "SENT"}
    assert post.again(done.failed[0]) == ""
    assert len(smtp_server.to(OFFICER)) == 1


def test_a_mail_that_is_put_off_is_tried_again_later_under_the_same_id(hospital, post, smtp_server):
    hospital.officers(OFFICER)
    smtp_server.answers[OFFICER] = "451 4.7.1 greylisted"
    hospital.break_glass()
    assert post.run(hospital.tenant.id).sent == 0
    ((_, _, state, tries, reply, _),) = hospital.mails()
    assert (state, tries, reply) == ("WAITING", 1, "451 4.7.1")
    smtp_server.answers.clear()
    assert post.run(hospital.tenant.id).sent == 0  # not before its pause is over
    hospital.due()
    assert post.run(hospital.tenant.id).sent == 1
    assert hospital.mails()[0][3] == 2


def test_a_mail_that_is_put_off_for_three_days_has_failed(hospital, post, smtp_server, owner):
    hospital.officers(OFFICER)
    smtp_server.answers[OFFICER] = "451 4.7.1 greylisted"
    hospital.break_glass()
    post.run(hospital.tenant.id)
    owner.execute(
        "UPDATE mail SET create_time = now() - interval '4 days', due_time = now() WHERE tenant_id = %s",
        [hospital.tenant.id],
    )
    assert [failed.reply for failed in post.run(hospital.tenant.id).failed] == ["451 4.7.1"]
    assert hospital.states() == {OFFICER: "FAILED"}


def test_a_server_that_is_away_costs_no_mail_however_long(hospital, worker_database, smtp_server, owner):
    hospital.officers(OFFICER, SECOND)
    grant = hospital.break_glass()
    owner.execute(
        "UPDATE mail SET create_time = now() - interval '30 days' WHERE tenant_id = %s", [hospital.tenant.id]
    )
    smtp_server.stop()
    away = post.Post(worker_database, Server(smtp_server.url()), HEAD)
    for _ in range(3):
        assert away.run(hospital.tenant.id).sent == 0
    # It is left alone for a while: one look cost one try.
    assert sorted(row[3] for row in hospital.mails()) == [0, 1]
    assert 0 < away.quiet_seconds <= 5
    assert set(hospital.states().values()) == {"WAITING"}
    assert hospital.notice(grant) == "WAITING"
    hospital.due()
    from tests.fix_mail import SmtpServer

    back = SmtpServer(port=smtp_server.port)
    assert post.Post(worker_database, Server(back.url()), HEAD).run(hospital.tenant.id).sent == 2
    back.stop()


def test_a_worker_that_dies_after_the_server_took_a_mail_repeats_it_under_the_same_id(
    hospital, worker_database, smtp_server, monkeypatch
):
    hospital.officers(OFFICER)
    hospital.break_glass()
    made = post.Post(worker_database, Server(smtp_server.url()), HEAD)

    class Killed(BaseException):
        pass

    def die(*_, **__):
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(store, "end", die)
        made.run(hospital.tenant.id)
    assert hospital.states() == {OFFICER: "WAITING"}
    assert made.run(hospital.tenant.id).sent == 0  # while somebody may still be at it
    hospital.due()
    assert made.run(hospital.tenant.id).sent == 1
    first, second = smtp_server.to(OFFICER)
    assert first.identity == second.identity


def test_several_workers_send_no_mail_twice(hospital, worker_database, smtp_server):
    hospital.officers(*(f"officer{n}@hospital.example" for n in range(10)))
    for _ in range(3):
        hospital.break_glass()
    workers = [post.Post(worker_database, Server(smtp_server.url()), HEAD) for _ in range(4)]
    threads = [
        threading.Thread(target=lambda w=worker: w.run(hospital.tenant.id, seconds=60)) for worker in workers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(smtp_server.taken) == len({taken.identity for taken in smtp_server.taken}) == 30
    assert {row[2] for row in hospital.mails()} == {"SENT"}


def test_a_row_that_nobody_can_read_fails_and_holds_up_no_other(hospital, post, owner):
    hospital.officers(OFFICER)
    for detail, kind in (("{}", "BREAK_GLASS"), ("{}", "LATER"), ('{"username": 1}', "BREAK_GLASS")):
        owner.execute(
            "INSERT INTO mail (tenant_id, id, recipient, kind, entity_id, address, detail)"
            " VALUES (%s, %s, 1, %s, %s, 'a@b.example', %s)",
            [hospital.tenant.id, ids.uuid7(), kind, ids.uuid7(), detail],
        )
    hospital.break_glass()
    done = post.run(hospital.tenant.id)
    assert (done.sent, len(done.failed)) == (1, 3)


def test_mails_of_a_suspended_hospital_still_go_out(hospital, post, owner):
    hospital.officers(OFFICER)
    hospital.break_glass()
    owner.execute("UPDATE tenant SET state = 'SUSPENDED' WHERE id = %s", [hospital.tenant.id])
    assert post.run(hospital.tenant.id).sent == 1


def test_a_kind_takes_its_own_fields_and_no_others(hospital, app_database):
    call = hospital.tenant.call("PatientService/BreakGlass")
    with app_database.tenant_transaction(hospital.tenant.id, call) as transaction:
        for detail in ({}, {"username": "asha"}, {"username": "asha", "duration_seconds": 1, "reason": "x"}):
            with pytest.raises(ValueError, match="duration_seconds, username"):
                outbox.queue(
                    transaction, call, kinds.BREAK_GLASS, entity_id=ids.uuid7(), role_codes=[], **detail
                )


def test_records_of_mails_go_after_90_days_and_what_waits_stays(hospital, post, worker_database, owner):
    hospital.officers(OFFICER)
    hospital.break_glass()
    post.run(hospital.tenant.id)
    hospital.officers(SECOND)
    hospital.break_glass()
    assert cron.purge(worker_database, cron.PURGE_MAILS) == 0
    owner.execute(
        "UPDATE mail SET create_time = now() - interval '91 days',"
        " end_time = end_time - interval '91 days' WHERE tenant_id = %s",
        [hospital.tenant.id],
    )
    assert cron.purge(worker_database, cron.PURGE_MAILS) == 1
    assert hospital.states() == {SECOND: "WAITING"}


def test_what_waits_and_what_failed_is_counted(hospital, post, smtp_server, worker_database, owner):
    owner.execute("DELETE FROM mail")
    hospital.officers(OFFICER, SECOND)
    smtp_server.answers |= {OFFICER: "550 no", SECOND: "450 later"}
    hospital.break_glass()
    post.run(hospital.tenant.id)
    state = store.mail_state(worker_database, 100)
    assert (state.waiting, state.failed) == (1, 1)
    assert state.age_seconds > 0
    assert store.waiting_tenants(worker_database, 10) == []
    hospital.due()
    assert store.waiting_tenants(worker_database, 10) == [hospital.tenant.id]


def test_the_worker_can_forge_neither_address_nor_text_and_the_server_reads_no_address(database, hospital):
    import psycopg

    hospital.officers(OFFICER)
    hospital.break_glass()
    with psycopg.connect(database.worker, autocommit=True) as worker:
        for change in ("address = 'thief@evil.example'", "detail = '{}'", "tenant_id = gen_random_uuid()"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                worker.execute(f"UPDATE mail SET {change}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            worker.execute("DELETE FROM mail")
    with psycopg.connect(database.app, autocommit=True) as app, app.transaction():
        app.execute(f"SET LOCAL app.tenant_id = '{hospital.tenant.id}'")
        with pytest.raises(psycopg.errors.InsufficientPrivilege), app.transaction():
            app.execute("SELECT address FROM mail")
        with pytest.raises(psycopg.errors.InsufficientPrivilege), app.transaction():
            app.execute("UPDATE mail SET state = 'SENT'")


@pytest.mark.parametrize(
    "addresses",
    [["nobody"], ["a@b.example\r\nBcc: c@d.example"], ["a@b.example"] * 2, ["x@y.example"] * 11],
)
def test_settings_take_real_addresses_alone(addresses):
    from hms_server.validation import violations

    settings = admin_pb2.Settings(privacy_officer_emails=addresses)
    assert violations(admin_pb2.UpdateSettingsRequest(settings=settings))


def test_changed_officers_are_kept_as_versions_and_audited(hospital, owner):
    hospital.officers(OFFICER)
    assert list(hospital.officers().privacy_officer_emails) == []
    kept = owner.execute(
        "SELECT row_data -> 'privacy_officer_emails' FROM tenant_setting_version WHERE tenant_id = %s"
        " ORDER BY version",
        [hospital.tenant.id],
    ).fetchall()
    assert kept == [(None,), ([OFFICER],)]
    audited = owner.execute(
        "SELECT count(*) FROM audit_outbox WHERE tenant_id = %s AND record ->> 'entity_type' = 'settings'",
        [hospital.tenant.id],
    ).fetchone()
    assert audited == (2,)
