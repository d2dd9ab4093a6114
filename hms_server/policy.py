"""Reads every method's policy from the proto descriptors (hms.policy.v1.MethodPolicy).

The protos are the only list of RPCs: a method without a complete policy raises ConfigError, which
stops the server from starting.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

import hms
from hms.policy.v1 import policy_pb2
from hms_server.context import MethodPolicy
from hms_server.errors import ConfigError

_MODULE = re.compile(r"hms\.\w+\.v1\.\w+_pb2")


def services() -> list[ServiceDescriptor]:
    """The descriptors of all HMS services, by name of their module: every one that there are stubs of."""
    names = (module.name for module in pkgutil.walk_packages(hms.__path__, "hms."))
    found: list[ServiceDescriptor] = []
    for name in sorted(filter(_MODULE.fullmatch, names)):
        found.extend(importlib.import_module(name).DESCRIPTOR.services_by_name.values())
    return found


def policy_of(method: MethodDescriptor) -> MethodPolicy:
    """The policy of one method; raises ConfigError where it is missing or contradicts itself."""
    service = method.containing_service
    full_name = f"{service.full_name}/{method.name}"
    options = method.GetOptions()
    if not options.HasExtension(policy_pb2.method):
        raise ConfigError(f"{full_name} has no (hms.policy.v1.method) option: see policy.proto")
    policy = options.Extensions[policy_pb2.method]
    access = policy_pb2.Access.Name(policy.access).removeprefix("ACCESS_")
    tier = policy_pb2.RateTier.Name(policy.rate_tier).removeprefix("RATE_TIER_")
    action = policy_pb2.AuditClass.Name(policy.audit_class).removeprefix("AUDIT_CLASS_")
    if "UNSPECIFIED" in (access, tier, action) or not policy.entity_type:
        raise ConfigError(f"{full_name}: access, rate_tier, audit_class and entity_type must be set")
    if (access == "PERMISSION") != bool(policy.permission):
        raise ConfigError(f"{full_name}: permission is set if and only if access is PERMISSION")
    if policy.replica_ok and action != "NONE":
        raise ConfigError(f"{full_name}: an audited method cannot be answered by a replica")
    if policy.before_password_change and access != "AUTHENTICATED":
        raise ConfigError(f"{full_name}: before_password_change is of methods that need a token alone")
    if policy.deadline_seconds < 0 or policy.max_stream_bytes < 0 or policy.weight < 0:
        raise ConfigError(f"{full_name}: deadline_seconds, max_stream_bytes and weight cannot be negative")
    if policy.weight and (access == "PUBLIC" or tier == "EXEMPT"):
        raise ConfigError(f"{full_name}: only calls with a token and a limit have a weight")
    if policy.department_scoped and (access != "PERMISSION" or policy.platform_only):
        raise ConfigError(f"{full_name}: department_scoped is of methods of a hospital's permissions")
    if method.client_streaming != bool(policy.max_stream_bytes):
        raise ConfigError(f"{full_name}: max_stream_bytes is set if and only if the client streams")
    return MethodPolicy(
        full_name=full_name,
        access=access,
        permission=policy.permission,
        rate_tier=tier,
        audit_action=action,
        replica_ok=policy.replica_ok,
        entity_type=policy.entity_type,
        platform_only=policy.platform_only,
        deadline_seconds=policy.deadline_seconds,
        max_stream_bytes=policy.max_stream_bytes,
        before_password_change=policy.before_password_change,
        weight=policy.weight or 1,
        department_scoped=policy.department_scoped,
    )


@functools.cache
def load_policies() -> dict[str, MethodPolicy]:
    """Policies of all methods by full name ("hms.patient.v1.PatientService/GetPatient")."""
    policies = {}
    for service in services():
        for method in service.methods:
            policy = policy_of(method)
            policies[policy.full_name] = policy
    return policies
