"""OpenAPI 3.1 of the REST interface, made from the descriptors: paths, parameters, bodies, errors."""

from __future__ import annotations

import re
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from hms.policy.v1 import policy_pb2
from hms_server.gateway import rules
from hms_server.gateway.openapi_shared import ERROR_RESPONSES, RESPONSE_HEADERS, SHARED_SCHEMAS
from hms_server.gateway.schemas import WELL_KNOWN, Schemas, is_map, is_required

Json = dict[str, Any]

DESCRIPTION = """The REST face of HMS. The same calls exist in gRPC and gRPC-Web on the same address.

JSON uses the snake_case names shown here (lowerCamelCase is understood on the way in). Unknown fields
and parameters are refused. 64-bit integers are strings, enums are names. Every error is a
google.rpc.Status whose first detail is an ErrorInfo with a stable `reason`."""


def document(comments: dict[str, str]) -> Json:
    """The whole document; `comments` are the protos' own, by full name."""
    schemas = Schemas(comments)
    paths: dict[str, Json] = {}
    for binding in rules.all_bindings():
        operations = paths.setdefault(_path(binding.template), {})
        operations[binding.http_method.lower()] = _operation(binding, schemas, comments)
    paths["/healthz"] = {"get": HEALTH_OPERATION}
    tags = [
        {"name": _tag(service.name), "description": comments.get(service.full_name, "")}
        for service in rules.services()
    ]
    return {
        "openapi": "3.1.0",
        "info": {"title": "HMS", "version": "v1", "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "tags": [{k: v for k, v in tag.items() if v} for tag in tags],
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The access_token that /v1/auth:login returns.",
                }
            },
            "headers": RESPONSE_HEADERS,
            "responses": ERROR_RESPONSES,
            "schemas": {**dict(sorted(schemas.components.items())), **SHARED_SCHEMAS},
        },
    }


HEALTH_OPERATION: Json = {
    "operationId": "Healthz",
    "summary": "Whether the gateway and a server behind it are up.",
    "tags": ["Gateway"],
    "security": [],
    "responses": {
        "200": {
            "description": "Up.",
            "content": {
                "application/json": {
                    "schema": {"type": "object", "properties": {"status": {"const": "SERVING"}}}
                }
            },
        },
        "default": {"$ref": "#/components/responses/Error"},
    },
}


def _suffix(binding: rules.Binding) -> str:
    """What tells a further binding of a method from its first: the HTTP method, or else what it is of."""
    if binding.index == 0:
        return ""
    first = next(b for b in rules.all_bindings() if b.rpc_path == binding.rpc_path and b.index == 0)
    if first.http_method != binding.http_method:
        return f"_{binding.http_method.lower()}"
    return f"_of_{binding.segments[1]}"


def _operation(binding: rules.Binding, schemas: Schemas, comments: dict[str, str]) -> Json:
    method = binding.method
    policy = method.GetOptions().Extensions[policy_pb2.method]
    text = comments.get(method.full_name, "")
    name = f"{_tag(method.containing_service.name)}_{method.name}"
    operation: Json = {
        "operationId": f"{name}{_suffix(binding)}",
        "summary": _words(method.name),
        "description": _description(text, policy),
        "tags": [_tag(method.containing_service.name)],
        "x-grpc-method": binding.rpc_path,
    }
    if policy.access == policy_pb2.ACCESS_PUBLIC:
        operation["security"] = []
    if parameters := _parameters(binding, schemas):
        operation["parameters"] = parameters
    if binding.body:
        operation["requestBody"] = _body(binding, schemas)
    operation["responses"] = _responses(method, policy, schemas)
    return operation


def _description(text: str, policy: policy_pb2.MethodPolicy) -> str:
    notes = []
    if policy.permission:
        notes.append(f"Permission: `{policy.permission}`.")
    if policy.platform_only:
        notes.append("For users of the platform tenant.")
    tier = policy_pb2.RateTier.Name(policy.rate_tier).removeprefix("RATE_TIER_").lower()
    weight = f", as {policy.weight} calls" if policy.weight > 1 else ""
    notes.append("No rate limit." if tier == "exempt" else f"Rate-limit tier: {tier}{weight}.")
    return "\n\n".join(part for part in (text, " ".join(notes)) if part)


def _parameters(binding: rules.Binding, schemas: Schemas) -> list[Json]:
    request = binding.method.input_type
    found = [_path_parameter(path, request, schemas) for path in binding.captures]
    if binding.body == "*":
        return found
    for path, field in _query_fields(request, ""):
        if path in binding.captures or path.partition(".")[0] == binding.body:
            continue
        schema = schemas.field(field)
        parameter: Json = {"name": path, "in": "query", "schema": schema}
        if description := schema.pop("description", ""):
            parameter["description"] = description
        if is_required(field):
            parameter["required"] = True
        found.append(parameter)
    return found


def _path_parameter(path: str, request: Descriptor, schemas: Schemas) -> Json:
    schema = schemas.field(_resolve(request, path))
    for word in ("description", "readOnly"):  # said of the field in a record
        schema.pop(word, None)
    return {"name": _variable(path), "in": "path", "required": True, "schema": schema}


def _query_fields(message: Descriptor, prefix: str) -> list[tuple[str, FieldDescriptor]]:
    """Fields that a query can carry: single values and lists of them, nested ones with dots."""
    found: list[tuple[str, FieldDescriptor]] = []
    for field in message.fields:
        nested = field.message_type
        if nested is None or nested.full_name in WELL_KNOWN:
            found.append((prefix + field.name, field))
        elif not field.is_repeated and not is_map(field) and prefix.count(".") < 2:
            found.extend(_query_fields(nested, f"{prefix}{field.name}."))
    return found


def _resolve(message: Descriptor | None, path: str) -> FieldDescriptor:
    assert message is not None
    head, _, rest = path.partition(".")
    field = message.fields_by_name[head]
    return _resolve(field.message_type, rest) if rest else field


def _body(binding: rules.Binding, schemas: Schemas) -> Json:
    request = binding.method.input_type
    media = ["application/json"]
    if binding.body != "*":
        field = request.fields_by_name[binding.body]
        schema = schemas.field(field)
        if field.message_type is not None and field.message_type.full_name == "google.api.HttpBody":
            media.insert(0, "application/fhir+json")
    elif binding.captures:
        schema = schemas.message(request, frozenset(binding.captures))
    else:
        schema = schemas.reference(request)
    return {"required": True, "content": {kind: {"schema": schema} for kind in media}}


def _responses(method: MethodDescriptor, policy: policy_pb2.MethodPolicy, schemas: Schemas) -> Json:
    content: Json = {"application/json": {"schema": schemas.reference(method.output_type)}}
    if method.output_type.full_name == "google.api.HttpBody":
        # A file, in a format that the request names.
        content = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
    names = ["x-request-id"]
    limited = policy.rate_tier != policy_pb2.RATE_TIER_EXEMPT
    if limited:
        names += ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]
    responses: Json = {
        "200": {
            "description": "Done.",
            "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
            "content": content,
        },
        "400": {"$ref": "#/components/responses/BadRequest"},
    }
    if policy.access != policy_pb2.ACCESS_PUBLIC:
        responses["401"] = {"$ref": "#/components/responses/Unauthenticated"}
    if policy.access == policy_pb2.ACCESS_PERMISSION:
        responses["403"] = {"$ref": "#/components/responses/PermissionDenied"}
    if limited:
        responses["429"] = {"$ref": "#/components/responses/RateLimited"}
    responses["default"] = {"$ref": "#/components/responses/Error"}
    return responses


def _path(template: str) -> str:
    """OpenAPI's form of a path. GET and PATCH of a record must come out as the same path."""
    return rules.VARIABLE.sub(lambda match: "{" + _variable(match["field"]) + "}", template)


def _variable(path: str) -> str:
    return path.rpartition(".")[2]


def _tag(service: str) -> str:
    return service.removesuffix("Service")


def _words(method: str) -> str:
    """A method's name as words: "Update patient"."""
    return re.sub(r"(?<!^)([A-Z])", lambda match: " " + match[1].lower(), method)
