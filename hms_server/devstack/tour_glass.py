"""Steps of the guided tour: a restricted patient, the glass that a doctor breaks, and who is told."""

import http.client
from pathlib import Path

from hms_server.devstack.tour_visit import Session, Visit, eventually, expect

_REASON = "unconscious, nobody else is here"
# A mail goes out within seconds, also on a busy machine.
_SECONDS = 30.0


def break_glass(visit: Visit) -> str:
    """A doctor breaks the glass to see a restricted patient."""
    patient = visit.me.call("POST", "/v1/patients", {"given_name": "Mira", "family_name": "Sen"}).ok()
    path = f"/v1/patients/{patient['id']}"
    officer = {"privacy_officer_emails": [f"officer-{visit.mark}@hospital.example"]}
    visit.me.call("PATCH", "/v1/settings", officer).ok()
    visit.me.call("POST", f"{path}:setRestriction", {"restricted": True, "reason": "staff"}).ok()
    doctor: Session = visit.made("doctor")
    doctor.call("GET", path).refused(http.client.NOT_FOUND, "NOT_FOUND")
    asked = {"reason": _REASON, "duration_seconds": 600}
    grant = visit.keep("grant", doctor.call("POST", f"{path}:breakGlass", asked).ok())
    shown = doctor.call("GET", path).ok()
    expect(shown["restricted"], "the patient is not restricted")
    return f"404, then 200 until {grant['expire_time']}"


def mail(visit: Visit) -> str:
    """The privacy officer gets a mail, without a word about the patient, and reviews it by its link."""
    grant = visit.made("grant")
    folder = Path(visit.env["HMS_MAIL_FOLDER"])

    def look() -> list[str]:
        texts = [path.read_text(encoding="utf-8") for path in folder.glob("*.txt")]
        return [text for text in texts if grant["id"] in text]

    mails = eventually(look, _SECONDS)
    expect(len(mails) == 1, f"there are {len(mails)} mails in {folder}")
    expect(f"To: officer-{visit.mark}@hospital.example\n" in mails[0], "it went to somebody else")
    doctor: Session = visit.made("doctor")
    expect(doctor.username in mails[0], "it does not say who broke the glass")
    for word in ("Mira", "Sen\n", _REASON, grant["patient_id"]):
        expect(word not in mails[0], f"it holds {word}")
    (link,) = [line for line in mails[0].splitlines() if line.startswith(visit.url)]
    path = link.removeprefix(visit.url)
    found = visit.me.call("GET", path).ok()
    expect(found["notice"] == "BREAK_GLASS_NOTICE_SENT", f"the grant says {found['notice']}")
    visit.me.call("POST", f"{path}:review", {"outcome": "BREAK_GLASS_OUTCOME_JUSTIFIED"}).ok()
    return path


STEPS = (break_glass, mail)
