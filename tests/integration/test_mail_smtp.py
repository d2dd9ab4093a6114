"""One mail over SMTP to a real server: TLS, log-in, refusals, slowness, and what may not get into a mail."""

from __future__ import annotations

import datetime
import time
from urllib.parse import quote

import pytest

from hms_server import ids
from hms_server.notify import kinds, message, smtp
from hms_server.notify.smtp import Refused, Server, ServerAway, TryLater
from tests.certificates import Authority
from tests.fix_mail import HEAD, PASSWORD, USER, SmtpServer

ADDRESS = "officer@hospital.example"
SENDER = "hms@hospital.example"
WHEN = datetime.datetime(2026, 3, 1, 9, 10, tzinfo=datetime.UTC)
LOGIN = f"{quote(USER, safe='')}:{PASSWORD}@"


def a_mail(**changes):
    detail = {
        "hospital": "City Care",
        "time_zone": "Asia/Kolkata",
        "username": "asha",
        "duration_seconds": 600,
        **changes.pop("detail", {}),
    }
    values = {
        "tenant_id": ids.uuid7(),
        "id": ids.uuid7(),
        "recipient": 1,
        "kind": "BREAK_GLASS",
        "entity_id": ids.uuid7(),
        "address": ADDRESS,
        "detail": detail,
        "create_time": WHEN,
        "tries": 1,
    }
    return kinds.Mail(**{**values, **changes})


def rendered(mail):
    return message.render(mail, HEAD.sender, HEAD.front_end_url)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def server_of(authority):
    """Makes SMTP servers that end with the test."""
    made = []

    def make(pair=None, **options):
        made.append(SmtpServer(pair, **options))
        return made[-1]

    yield make
    for server in made:
        server.stop()


def test_a_mail_says_who_when_until_when_and_where_to_review(smtp_server):
    mail = a_mail()
    Server(smtp_server.url()).send(SENDER, ADDRESS, rendered(mail))
    (taken,) = smtp_server.taken
    assert (taken.sender, taken.recipients) == (SENDER, [ADDRESS])
    assert taken.message["Subject"] == "City Care: asha broke the glass"
    assert taken.message["To"] == ADDRESS
    assert taken.message["Auto-Submitted"] == "auto-generated"
    assert taken.identity == f"<{mail.id}.1@hospital.example>"
    assert taken.message.get_content_type() == "text/plain"
    for said in (
        "asha",
        "2026-03-01 14:40:00 (Asia/Kolkata)",
        "2026-03-01 14:50:00",
        f"https://front.example/app/breakGlass/{mail.entity_id}\n",
    ):
        assert said in taken.text


def test_names_in_any_script_arrive_as_they_are(smtp_server):
    mail = a_mail(detail={"hospital": "सिटी केयर अस्पताल", "username": "आशा"})
    raw = rendered(mail)
    assert raw.isascii()
    Server(smtp_server.url()).send(SENDER, ADDRESS, raw)
    (taken,) = smtp_server.taken
    assert taken.message["Subject"] == "सिटी केयर अस्पताल: आशा broke the glass"
    assert "At सिटी केयर अस्पताल, आशा broke the glass" in taken.text


@pytest.mark.parametrize(
    "end", ["\r\n", "\n", "\r", "\u2028", "\x85", "\x00", "\x0b", "\r\n\r\n", "\r\n.\r\n"]
)
def test_no_value_makes_a_header_a_line_or_another_mail(smtp_server, end):
    evil = f"asha{end}Bcc: thief@evil.example{end}X-Evil: 1{end}MAIL FROM:<thief@evil.example>"
    mail = a_mail(detail={"hospital": evil, "username": evil, "time_zone": evil})
    Server(smtp_server.url()).send(SENDER, ADDRESS, rendered(mail))
    (taken,) = smtp_server.taken
    assert taken.recipients == [ADDRESS]
    usual = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Type"}
    assert set(taken.message.keys()) == usual | {"Content-Transfer-Encoding", "MIME-Version"}
    assert len(taken.message.keys()) == len(usual) + 2
    assert not [line for line in taken.text.splitlines() if line.startswith(("Bcc", "X-Evil", "MAIL"))]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "a@b\r\nBcc: c@d.example",
        "a@b.example\n",
        "a@b.example, c@d.example",
        "<a@b.example>",
        '"a b"@c.example',
        "a@b.example>\r\nRCPT TO:<c@d.example",
        "आशा@b.example",
        f"{'a' * 250}@b.example",
    ],
)
def test_what_is_no_address_is_never_handed_over(address):
    with pytest.raises(message.Unsendable):
        rendered(a_mail(address=address))


def test_the_message_id_is_the_same_each_time_and_of_each_recipient_another():
    one = a_mail()
    again = one._replace(tries=7)
    other = one._replace(recipient=2)
    assert message.message_id(one, HEAD.sender) == message.message_id(again, HEAD.sender)
    assert message.message_id(one, HEAD.sender) != message.message_id(other, HEAD.sender)


def test_starttls_is_used_and_the_password_goes_through_it(authority, server_of):
    server = server_of(authority.sign("127.0.0.1"), starttls=True, login=True)
    query = f"ca={authority.file}"
    Server(server.url(query, login=LOGIN)).send(SENDER, ADDRESS, rendered(a_mail()))
    (taken,) = server.taken
    assert (taken.secure, taken.login) == (True, USER)


def test_smtps_is_tls_from_the_start(authority, server_of):
    server = server_of(authority.sign("127.0.0.1"))
    Server(server.url(f"ca={authority.file}", "smtps")).send(SENDER, ADDRESS, rendered(a_mail()))
    assert server.taken[0].secure


def test_a_server_without_starttls_gets_neither_password_nor_mail(server_of):
    server = server_of(login=True)
    with pytest.raises(ServerAway, match="SMTPNotSupportedError"):
        Server(server.url("", login=LOGIN)).send(SENDER, ADDRESS, rendered(a_mail()))
    assert server.taken == []


def test_in_development_a_server_without_starttls_gets_the_mail(smtp_server):
    Server(smtp_server.url(""), development=True).send(SENDER, ADDRESS, rendered(a_mail()))
    assert len(smtp_server.taken) == 1


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize("wrong", ["authority", "name"])
def test_a_server_that_shows_a_foreign_certificate_gets_nothing(
    authority, server_of, tmp_path_factory, scheme, wrong
):
    signer = authority if wrong == "name" else Authority(tmp_path_factory.mktemp("foreign"))
    name = "elsewhere.example" if wrong == "name" else "127.0.0.1"
    server = server_of(signer.sign(name), starttls=scheme == "smtp", login=scheme == "smtp")
    with pytest.raises(ServerAway, match="SSLCertVerificationError"):
        Server(server.url(f"ca={authority.file}", scheme, LOGIN)).send(SENDER, ADDRESS, rendered(a_mail()))
    assert server.taken == []


def test_a_wrong_password_is_the_servers_refusal_not_the_mails(authority, server_of):
    server = server_of(authority.sign("127.0.0.1"), starttls=True, login=True)
    with pytest.raises(ServerAway, match="535"):
        Server(server.url(f"ca={authority.file}", login="hms:wrong@")).send(
            SENDER, ADDRESS, rendered(a_mail())
        )


@pytest.mark.parametrize(
    ("answer", "kind", "codes"),
    [
        ("550 5.1.1 no such officer@hospital.example", Refused, "550 5.1.1"),
        ("554 go away", Refused, "554"),
        ("451 4.7.1 greylisted, officer@hospital.example", TryLater, "451 4.7.1"),
        ("421 4.3.2 closing", ServerAway, "421 4.3.2"),
    ],
)
def test_a_refused_recipient_is_told_by_codes_alone(smtp_server, answer, kind, codes):
    smtp_server.answers[ADDRESS] = answer
    with pytest.raises(kind) as caught:
        Server(smtp_server.url()).send(SENDER, ADDRESS, rendered(a_mail()))
    assert str(caught.value) == codes


@pytest.mark.parametrize(("answer", "kind"), [("554 5.7.1 spam", Refused), ("452 4.3.1 disk full", TryLater)])
def test_a_refused_content_is_told_from_one_that_may_be_taken_later(smtp_server, answer, kind):
    smtp_server.after_data = lambda taken: answer
    with pytest.raises(kind):
        Server(smtp_server.url()).send(SENDER, ADDRESS, rendered(a_mail()))


def test_nobody_there_and_a_server_that_says_nothing_are_away(smtp_server):
    smtp_server.stop()
    with pytest.raises(ServerAway, match="ConnectionRefusedError"):
        Server(smtp_server.url()).send(SENDER, ADDRESS, rendered(a_mail()))
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        with pytest.raises(ServerAway, match="TimeoutError"):
            Server(f"smtp://127.0.0.1:{silent.getsockname()[1]}", step_seconds=0.3).send(
                SENDER, ADDRESS, rendered(a_mail())
            )
        assert time.monotonic() - started < 5


def test_every_kind_is_registered_under_its_name_and_takes_nothing_of_a_patient():
    assert all(kind.name == name for name, kind in kinds.KINDS.items())
    forbidden = {"reason", "patient", "patient_id", "uhid", "given_name", "family_name", "phone", "note"}
    assert not [kind.name for kind in kinds.KINDS.values() if kind.fields & forbidden]


def test_a_mail_of_an_unknown_kind_is_not_sent():
    with pytest.raises(message.Unsendable, match="UNKNOWN_KIND"):
        rendered(a_mail(kind="LATER"))


def test_codes_never_hold_a_servers_words():
    assert smtp.codes(ValueError("officer@hospital.example")) == "ValueError"
