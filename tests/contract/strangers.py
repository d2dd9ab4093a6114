"""Fills a hospital through the API and aims another hospital's calls at what is in it.

Made from the protos: a new RPC, type of record or page token joins by itself. What a request needs is
learnt from the API's own answers: a field that is complained about is filled, and the call made again.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import grpc
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2

from buf.validate import validate_pb2
from hms_server import clock, errors, ids, validation
from hms_server.context import MethodPolicy
from hms_server.edge.bound import BoundMethod
from hms_server.edge.interceptors.authorization import AuthorizationInterceptor, Directory
from hms_server.policy import load_policies, services

SECRET = "Verysecretname"
EVERY_PERMISSION = frozenset(policy.permission for policy in load_policies().values()) - {""}
_OUTPUT = {"create_time", "update_time", "delete_time", "etag", "error_reason", "duplicate_candidates"}
_TRIES = 25
# Refusals that name fields which, said otherwise, would do.
_REPAIRED = {"INVALID_ARGUMENT", "FAILED_PRECONDITION"}


class Refused(Exception):
    """A call that was refused."""

    def __init__(self, code: str, reason: str, text: str, fields: list[str]) -> None:
        super().__init__(f"{code} {reason}: {text}")
        self.code, self.reason, self.text, self.fields = code, reason, text, fields


@dataclasses.dataclass(frozen=True)
class Method:
    """One unary RPC."""

    policy: MethodPolicy
    request: Any
    response: Any

    @property
    def name(self) -> str:
        return self.policy.full_name.rpartition("/")[2]

    @property
    def is_list(self) -> bool:
        return "page_token" in self.request.DESCRIPTOR.fields_by_name


def methods() -> Iterator[Method]:
    """Every unary method that a signed-in user can call, but what acts on the caller's own session or account
    and names no record (Logout): it cannot be aimed, and would end the session."""
    for service in services():
        for method in service.methods:
            policy = load_policies()[f"{service.full_name}/{method.name}"]
            if (
                policy.access != "PUBLIC"
                and not _is_of_the_caller(policy, method)
                and not method.client_streaming
            ):
                yield Method(policy, GetMessageClass(method.input_type), GetMessageClass(method.output_type))


def _is_of_the_caller(policy: MethodPolicy, method: Any) -> bool:
    names = method.input_type.fields_by_name
    return policy.access == "AUTHENTICATED" and not any(
        name == "id" or (name.endswith("_id") and name != "request_id") for name in names
    )


Call = Callable[[Method, Message], Message]


def over_grpc(caller: Any) -> Call:
    """Calls of a signed-in user of a running system."""

    def call(method: Method, request: Message) -> Message:
        try:
            return caller.call(method.policy.full_name, request, method.response)
        except grpc.RpcError as error:
            raise _refused(error) from None

    return call


def directly(servicers: dict[str, Any], tenant: Any, departments: Iterable[str] | None = None) -> Call:
    """Calls of a hospital's user that have passed the edge. `departments`: of one who holds every permission,
    but in these departments alone."""
    authorization = AuthorizationInterceptor(cast("Directory", None))

    def call(method: Method, request: Message) -> Message:
        try:
            found = validation.violations(request)
            if found:
                raise errors.InvalidArgument("invalid", violations=found)
            service, _, name = method.policy.full_name.partition("/")
            made = tenant.call(method.policy.full_name.removeprefix("hms.").partition(".v1.")[2])

            def serve(made: Any) -> Any:
                return getattr(servicers[service], name)(request, made)

            if departments is None:
                return serve(made)
            limited = dict.fromkeys(EVERY_PERMISSION, frozenset(departments))
            made.principal = dataclasses.replace(made.principal, permissions=frozenset(), limited=limited)
            return authorization.bind(BoundMethod(method.policy, method.request, 0), serve)(made)
        except errors.HmsError as error:
            fields = [violation.field for violation in error.violations]
            raise Refused(error.code, error.reason, error.message, fields) from None

    return call


def _refused(error: Any) -> Refused:
    reason, fields = "", []
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            for detail in status_pb2.Status.FromString(value).details:
                if detail.Unpack(info):
                    reason = info.reason
                elif detail.Unpack(bad):
                    fields = [violation.field for violation in bad.field_violations]
    return Refused(error.code().name, reason, error.details() or "", fields)


class Hospital:
    """A hospital with two records of every kind that the API can make."""

    def __init__(self, call: Call, word: str = SECRET) -> None:
        """`word` stands in every text."""
        self.call = call
        self._own_word = word
        self.made: dict[str, list[str]] = defaultdict(list)
        self.could_not: dict[str, Refused] = {}
        self._number = itertools.count(1)
        self._word = word
        self.sent: Any = None  # the last request
        self._create()

    @property
    def texts(self) -> list[str]:
        """What nobody else may ever be shown."""
        return [self._own_word, *(each for made in self.made.values() for each in made)]

    def _create(self) -> None:
        creators = [
            m
            for m in methods()
            if m.policy.audit_action == "CREATE"
            and not m.policy.platform_only
            and "id" in m.response.DESCRIPTOR.fields_by_name
        ]
        progress = True
        while creators and progress:
            progress = False
            for method in list(creators):
                try:
                    made = [self.answered(method, point=False).id for _ in range(2)]
                except Refused as refused:
                    self.could_not[method.name] = refused
                    continue
                self.made[method.policy.entity_type] += made
                self.could_not.pop(method.name, None)
                creators.remove(method)
                progress = True
        for method in methods():
            if method.name == "BookSeries":
                made = [self.answered(method, point=False).series_id for _ in range(2)]
                self.made["series"] += made

    def answered(self, method: Method, *, point: bool = True, call: Call | None = None, **fields: Any) -> Any:
        """The answer to a request that names this hospital's records (`point`: and what it is about),
        repaired until it is refused for another reason than its form. `call`: of somebody else, who has
        words of their own."""
        self._word = self._own_word if call is None else "Strangersname"
        request = method.request()
        self._aim(request, method.policy.entity_type, point)
        for name, value in fields.items():
            setattr(request, name, value)
        seen: dict[str, int] = defaultdict(int)
        for _ in range(_TRIES):
            self.sent = request
            try:
                return (call or self.call)(method, request)
            except Refused as refused:
                last = refused
                if refused.reason == "ETAG_MISMATCH" and _next_etag(request):
                    continue
                if refused.reason == "SCHEDULES_OVERLAP" and self._elsewhen(request):
                    continue
                if refused.code not in _REPAIRED or not refused.fields:
                    raise
            for path in last.fields:
                self._repair(request, path, seen[path])
                seen[path] += 1
        raise last

    def _aim(self, message: Any, kind: str, point: bool, depth: int = 0) -> None:
        for field in message.DESCRIPTOR.fields:
            name = field.name
            if field.type == FieldDescriptor.TYPE_MESSAGE:
                if not field.is_repeated and depth == 0 and _names_records(field.message_type):
                    getattr(message, name).SetInParent()
                    self._aim(getattr(message, name), kind, point, 1)
                    ParseDict(_SHAPES.get(field.message_type.full_name, {}), getattr(message, name))
            elif name == "request_id":
                message.request_id = ids.uuid7()
            elif name == "query":
                message.query = self._own_word
            elif name in ("id", "ids") or name.endswith("_id"):
                value = self._id_for(name, kind, point)
                if value and field.is_repeated:
                    getattr(message, name).append(value)
                elif value:
                    setattr(message, name, value)

    def _id_for(self, name: str, kind: str, point: bool) -> str:
        if name in ("id", "ids"):
            return self._first(kind) if point else ""
        stem = name.removesuffix("_id")
        if stem in ("parent", "part_of", "request", "session", "trace"):
            return ""
        if stem in ("survivor", "merged"):
            return self.made["patient"][stem == "merged"]
        named = self._named(stem)
        if named:
            return self.made[named][0]
        return self._first(kind) if point else ""

    def _named(self, stem: str) -> str:
        """The kind of record that a field points to: "department", "to_department"."""
        ends = [kind for kind in self.made if stem == kind or stem.endswith(f"_{kind}")]
        return max(ends, key=len, default="")

    def _first(self, kind: str) -> str:
        """A record of the kind; where the API makes none of it, any other record of this hospital."""
        of_kind = self.made.get(kind) or self.made.get("observation") or self.made.get("patient")
        return of_kind[0] if of_kind else ids.uuid7()

    def _repair(self, request: Any, path: str, attempt: int) -> None:
        """Puts something into the field that is complained about, each time something else."""
        message = request
        parts = path.split(".")
        for part in parts[:-1]:
            message = _step(message, part)
            if message is None:
                return
        name, _, index = parts[-1].partition("[")
        field = message.DESCRIPTOR.fields_by_name.get(name)
        if field is None:
            return
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            target = getattr(message, name)
            if field.is_repeated:
                target = target[int(index.rstrip("]"))] if index else target.add()
            if field.message_type.full_name == "google.protobuf.Timestamp":
                # Of today and later, each time another: a slot may begin every quarter of an hour.
                days = clock.now().date().toordinal() - 719_162
                target.FromSeconds(days * 86_400 + 900 * next(self._number))
                return
            if field.message_type.full_name in _SHAPES:
                self._aim(target, "", point=False, depth=1)
                if "id" in field.message_type.fields_by_name:
                    target.ClearField("id")
                ParseDict(_SHAPES[field.message_type.full_name], target)
            self._say(target)
            return
        value = self._value(field, name, attempt)
        if field.is_repeated:
            if index:
                getattr(message, name)[int(index.rstrip("]"))] = value
            else:
                getattr(message, name).append(value)
        else:
            setattr(message, name, value)

    def _elsewhen(self, request: Any) -> bool:
        """Gives the sessions of a request a day of their own: a practitioner has one session at a time."""
        names = ("schedule", "schedules", "schedule_exception", "schedule_exceptions")
        found = False
        for name in set(names) & set(request.DESCRIPTOR.fields_by_name):
            field = getattr(request, name)
            for each in field if request.DESCRIPTOR.fields_by_name[name].is_repeated else [field]:
                day = datetime.date(1990, 1, 1) + datetime.timedelta(days=next(self._number))
                if "valid_from" in each.DESCRIPTOR.fields_by_name:
                    each.valid_from = each.valid_until = day.isoformat()
                else:
                    each.start_time.FromJsonString(f"{day}T09:00:00Z")
                    each.end_time.FromJsonString(f"{day}T10:00:00Z")
                found = True
        return found

    def _say(self, message: Any) -> None:
        """Fills the plain texts of a message."""
        message.SetInParent()
        for field in message.DESCRIPTOR.fields:
            if field.type == FieldDescriptor.TYPE_STRING and not field.is_repeated and field.name in _WORDS:
                setattr(message, field.name, f"{self._word}{next(self._number)}")

    def _value(self, field: FieldDescriptor, name: str, attempt: int) -> Any:
        if field.type != FieldDescriptor.TYPE_STRING:
            return (1, 2, 10)[attempt % 3]
        if name.endswith("_id") and (named := self._named(name.removesuffix("_id"))):
            made = self.made[named]
            return made[attempt % len(made)]
        if name == "public_key":
            return _public_key()
        if name == "etag":
            return "1"
        rules = field.GetOptions().Extensions[validate_pb2.field].string
        allowed = list(getattr(rules, "in"))
        number = next(self._number)
        if rules.ip_prefix:
            return f"10.{number // 256}.{number % 256}.0/24"
        values = [v for v in allowed if v] or [
            f"{self._word}{number}",
            f"{self._word.upper()}_{number}",
            f"{self._word.lower()}{number}",
            "2026-01-01T00:00:00Z",
            "2026-01-01",
            ids.uuid7(),
        ]
        return values[attempt % len(values)]


# What a message must hold for others to be made, where complaints do not lead there: room to book into, day
# and night.
_SHAPES: dict[str, dict[str, Any]] = {
    "hms.scheduling.v1.Schedule": {
        "valid_from": "2026-01-01",
        "sessions": [
            {
                "weekdays": [1, 2, 3, 4, 5, 6, 7],
                "start_time": "00:00",
                "end_time": "24:00",
                "slot_minutes": 15,
                "capacity": 100,
            }
        ],
    },
    "hms.scheduling.v1.Recurrence": {"frequency": "DAILY", "count": 2},
    "hms.scheduling.v1.ScheduleException": {
        "kind": "EXTRA",
        "start_time": "1989-01-01T09:00:00Z",
        "end_time": "1989-01-01T10:00:00Z",
        "slot_minutes": 15,
        "capacity": 1,
    },
}

# Fields of messages that are words of people.
_WORDS = {"text", "family_name", "given_name", "display_name", "value", "title", "description", "display"}


def _public_key() -> str:
    """A new one, as PEM."""
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return public.public_bytes(*form).decode()


def _next_etag(request: Any) -> bool:
    """Goes on to the next version, where a method asks for an etag and it was not this one."""
    etag = getattr(request, "etag", "")
    if etag.isdecimal():
        request.etag = str(int(etag) + 1)
    return etag.isdecimal()


def _names_records(descriptor: Any) -> bool:
    """Whether a message is one of ours and has ids in it: a measured number has none."""
    ours = descriptor.file.package.startswith("hms.")
    return ours and any(name == "id" or name.endswith("_id") for name in descriptor.fields_by_name)


def _step(message: Any, part: str) -> Any:
    match = re.fullmatch(r"(\w+)(?:\[(\d+)\])?", part)
    if match is None or match[1] not in message.DESCRIPTOR.fields_by_name:
        return None
    value = getattr(message, match[1])
    return value[int(match[2])] if match[2] else value
