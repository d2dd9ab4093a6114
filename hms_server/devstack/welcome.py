"""What is printed once everything runs: addresses, sign-in, and commands to try."""

from collections.abc import Mapping
from pathlib import Path
from string import Template

# `@name` is filled in below; `$NAME` is for the shell of whoever reads this.
TEXT = r"""
HMS is running.

  REST, gRPC-Web   @{HMS_REST_URL}
  Documentation    @{HMS_REST_URL}/docs
  gRPC             @{HMS_GRPC_TARGET}
  Metrics          @{HMS_METRICS_URL}
  Mails            @{HMS_MAIL_FOLDER}
  Sign-in          tenant @{HMS_TENANT}, user @{HMS_USER}, password @{HMS_PASSWORD}

Try it from this folder in another terminal:

. @{env_file}
TOKEN=$(curl -s "$HMS_REST_URL/v1/auth:login" -H 'Content-Type: application/json' -d '{
  "tenant": "'"$HMS_TENANT"'", "username": "'"$HMS_USER"'", "password": "'"$HMS_PASSWORD"'"
}' | grep -o '"access_token": *"[^"]*"' | cut -d'"' -f4)
call() { curl -s -w '\n' -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' "$@@"; }
call "$HMS_REST_URL/v1/patients" -d '{
  "given_name": "Asha", "family_name": "Rao", "gender": "female", "birth_date": "1985-03-14"}'
call "$HMS_REST_URL/v1/patients:search" -d '{"query": "rao"}'
ID=$(call "$HMS_REST_URL/v1/patients:search" -d '{"query": "grant"}' \
  | grep -o '"id": *"[^"]*"' | head -n 1 | cut -d'"' -f4)
call "$HMS_REST_URL/v1/patients/$ID/summary"
call "$HMS_REST_URL/v1/patients/$ID/timeline?page_size=5"
call "$HMS_REST_URL/v1/auditEvents?patient_id=$ID"

The same by stubs:

.venv/bin/python -c '
import os, sys, grpc
from hms.patient.v1 import patient_pb2, patient_pb2_grpc
patients = patient_pb2_grpc.PatientServiceStub(grpc.insecure_channel(os.environ["HMS_GRPC_TARGET"]))
found = patients.ListPatients(patient_pb2.ListPatientsRequest(page_size=5),
    metadata=[("authorization", "Bearer " + sys.argv[1])])
print(*(f"{each.uhid} {each.given_name} {each.family_name}" for each in found.patients), sep="\n")
' "$TOKEN"

Ctrl-C stops everything; the data stays in @{folder}.
"""


class _AtTemplate(Template):
    delimiter = "@"


def render(env: Mapping[str, str], env_file: Path) -> str:
    """The text for one running stack."""
    return _AtTemplate(TEXT).substitute(env, env_file=_shorten(env_file), folder=_shorten(env_file.parent))


def _shorten(path: Path) -> str:
    """A path as it is typed in the present folder."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
