"""What is generated from the protos: OpenAPI covers every rule, the guard's tables every message."""

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, struct_pb2, timestamp_pb2
from google.protobuf.descriptor import Descriptor

from hms_server.gateway import guard, openapi, rules
from hms_server.gateway.comments import read_comments
from hms_server.gateway.schemas import Schemas

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT: dict[str, Any] = json.loads((ROOT / "generated/openapi.json").read_text())


def operations() -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, found in DOCUMENT["paths"].items()
        for method, operation in found.items()
    }


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if "$ref" in value else set()
        return own.union(*(references(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(references(item) for item in value))
    return set()


def test_every_binding_is_described() -> None:
    found = {(o["x-grpc-method"], key.split()[0]) for key, o in operations().items() if "x-grpc-method" in o}
    assert found == {(b.rpc_path, b.http_method) for b in rules.all_bindings()}
    ids = [operation["operationId"] for operation in operations().values()]
    assert len(ids) == len(set(ids))


def test_paths_and_parameters_agree() -> None:
    for key, operation in operations().items():
        declared = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
        assert declared == set(
            rules.VARIABLE.findall(key) and [m["field"] for m in rules.VARIABLE.finditer(key)]
        )


def test_every_reference_leads_somewhere() -> None:
    for reference in references(DOCUMENT):
        node: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
        assert node


def test_rules_become_constraints() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    login = schemas["identity.v1.LoginRequest"]
    assert login["required"] == ["tenant", "username", "password"]
    assert login["properties"]["tenant"] == {
        "type": "string",
        "minLength": 1,
        "maxLength": 64,
        "description": "The tenant's code or id.",
    }
    patient = schemas["patient.v1.Patient"]["properties"]
    assert patient["gender"]["enum"] == ["", "male", "female", "other", "unknown"]
    assert patient["names"]["maxItems"] == 20
    assert patient["id"]["format"] == "uuid"
    assert patient["id"]["readOnly"]
    assert patient["create_time"]["readOnly"]
    assert schemas["identity.v1.User"]["properties"]["password"]["writeOnly"]
    assert schemas["admin.v1.RateLimit"]["properties"]["limit"]["minimum"] == 1
    assert schemas["audit.v1.AuditEvent"]["properties"]["sequence"]["type"] == "string"
    ids = operations()["GET /v1/patients:batchGet"]["parameters"][0]
    assert ids["required"]
    assert ids["schema"]["items"]["format"] == "uuid"
    assert ids["schema"]["maxItems"] == 100


def test_public_methods_need_no_token() -> None:
    assert operations()["POST /v1/auth:login"]["security"] == []
    assert "security" not in operations()["GET /v1/patients"]
    assert "401" in operations()["GET /v1/patients"]["responses"]


def test_a_body_leaves_out_what_the_path_says() -> None:
    body = operations()["POST /v1/patients/{id}:undelete"]["requestBody"]
    assert set(body["content"]["application/json"]["schema"]["properties"]) == {"etag", "request_id"}
    parameters = operations()["PATCH /v1/patients/{id}"]["parameters"]
    assert [p["name"] for p in parameters] == ["id", "update_mask", "request_id"]


def test_an_upload_takes_any_object_and_its_other_fields_as_parameters() -> None:
    operation = operations()["POST /v1/fhir/bundles:import"]
    content = operation["requestBody"]["content"]
    assert list(content) == ["application/fhir+json", "application/json"]
    for kind in content.values():
        assert kind["schema"]["type"] == "object"
        assert "properties" not in kind["schema"]
    (parameter,) = operation["parameters"]
    assert (parameter["name"], parameter["in"]) == ("source", "query")
    assert "required" not in parameter
    assert "Rate-limit tier: import" in operation["description"]


def test_comments_become_descriptions() -> None:
    assert "duplicate_candidates" in operations()["POST /v1/patients"]["description"]
    assert "patient.write" in operations()["POST /v1/patients"]["description"]


def messages_of_requests() -> list[Descriptor]:
    found: dict[str, Descriptor] = {}
    waiting = [b.method.input_type for b in rules.all_bindings()]
    while waiting:
        message = waiting.pop()
        if message.full_name in found or message.full_name in guard.WELL_KNOWN_SHAPES:
            continue
        found[message.full_name] = message
        waiting.extend(f.message_type for f in message.fields if f.message_type)
    return list(found.values())


def test_the_guard_knows_every_message_and_field() -> None:
    script = guard.guard_script()
    assert script == (ROOT / "generated/guard.lua").read_text(), "run scripts/generate"
    assert guard.status_script() == (ROOT / "generated/status.lua").read_text(), "run scripts/generate"
    lines = {line.rpartition(" -- ")[2]: line for line in script.splitlines() if line.startswith("FIELDS[")}
    for message in messages_of_requests():
        for field in message.fields:
            assert f'["{field.name}"] = ' in lines[message.full_name]
            assert f'["{field.json_name}"] = ' in lines[message.full_name]


def test_reads_alone_are_repeated() -> None:
    (line,) = (x for x in guard.guard_script().splitlines() if x.startswith("local READS = "))
    for method in rules.methods():
        is_get = any(b.http_method == "GET" for b in rules.bindings(method))
        assert (f'["{rules.rpc_path(method)}"]' in line) == is_get


def strange_file() -> descriptor_pb2.FileDescriptorProto:
    """Maps, free values and self-reference, which the API does not use yet."""
    file = descriptor_pb2.FileDescriptorProto(
        name="strange.proto",
        package="strange",
        syntax="proto3",
        dependency=[struct_pb2.DESCRIPTOR.name, timestamp_pb2.DESCRIPTOR.name],
    )
    message = file.message_type.add(name="Strange")
    kinds = descriptor_pb2.FieldDescriptorProto
    entry = message.nested_type.add(name="NotesEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=kinds.TYPE_STRING, label=1)
    entry.field.add(name="value", number=2, type=kinds.TYPE_MESSAGE, label=1, type_name=".strange.Strange")
    message.field.add(
        name="notes", number=1, type=kinds.TYPE_MESSAGE, label=3, type_name=".strange.Strange.NotesEntry"
    )
    for number, (name, type_name) in enumerate(
        {"free": "Struct", "any_list": "ListValue", "times": "Timestamp"}.items(), start=2
    ):
        message.field.add(
            name=name,
            number=number,
            type=kinds.TYPE_MESSAGE,
            label=3 if name == "times" else 1,
            type_name=f".google.protobuf.{type_name}",
        )
    return file


def test_shapes_of_messages_that_are_yet_to_come() -> None:
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(strange_file().SerializeToString())
    message = pool.FindMessageTypeByName("strange.Strange")
    table = guard.MessageTable()
    number = table.number(message)
    fields = table.fields()
    assert fields[number]["free"] == fields[number]["any_list"] == guard.ANYTHING
    assert fields[number]["times"] == guard.SCALAR + 1
    entry = fields[number]["notes"] // 2
    assert fields[entry] == {"*": 2 * number}
    schema = Schemas({}).message(message)["properties"]
    assert schema["notes"]["additionalProperties"] == {"$ref": "#/components/schemas/strange.Strange"}
    assert schema["free"] == {"type": "object"}
    assert schema["times"] == {"type": "array", "items": {"type": "string", "format": "date-time"}}


def test_lua_literals() -> None:
    assert guard.lua({"b": {1: True}, "a": 'x"\\\n\x00é'}) == (
        '{["a"] = "x\\034\\092\\010\\000\\195\\169", ["b"] = {[1] = true}}'
    )
    with pytest.raises(TypeError):
        guard.lua(1.5)


def test_templates_are_read() -> None:
    undelete = next(b for b in rules.all_bindings() if b.template == "/v1/patients/{id}:undelete")
    assert (undelete.segments, undelete.verb, undelete.captures) == (
        ("v1", "patients", "*"),
        "undelete",
        ("id",),
    )
    update = next(b for b in rules.all_bindings() if b.template == "/v1/patients/{patient.id}")
    assert (update.http_method, update.body, update.captures) == ("PATCH", "patient", ("patient.id",))
    further = {b.template for b in rules.all_bindings() if b.index}
    assert {
        "/v1/patients:batchGet",
        "/v1/patients:search",
        "/v1/encounters/{encounter_id}/conditions",
        "/v1/encounters/{condition.encounter_id}/conditions",
    } <= further


def test_comments_of_nested_elements() -> None:
    file = strange_file()
    for path, text in (
        ((4, 0), " A thing.\n Of sorts.\n"),
        ((4, 0, 2, 1), " Free.\n"),
        ((4, 0, 3, 0, 2, 0), " Key.\n"),
    ):
        file.source_code_info.location.add(path=path, leading_comments=text)
    comments = read_comments(descriptor_pb2.FileDescriptorSet(file=[file]))
    assert comments == {
        "strange.Strange": "A thing.\nOf sorts.",
        "strange.Strange.free": "Free.",
        "strange.Strange.NotesEntry.key": "Key.",
    }


def test_the_document_is_made_from_the_rules() -> None:
    assert set(openapi.document({})["paths"]) == set(DOCUMENT["paths"])
