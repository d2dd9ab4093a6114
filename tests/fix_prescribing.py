"""Prescriptions, code lists and rules of interactions of a hospital of a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hms.admin.v1 import admin_pb2
from hms_server import keyring
from hms_server.admin.code_lists import CodeLists
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.database.transaction import Database

_ADMIN = admin_pb2.DESCRIPTOR.services_by_name["AdminService"]
_METHODS = {
    "CreateCodeEntry": "create",
    "BatchCreateCodeEntries": "batch_create",
    "GetCodeEntry": "get",
    "ListCodeEntries": "list_entries",
    "UpdateCodeEntry": "update",
    "DeactivateCodeEntry": "deactivate",
}


def drug(text: str, **fields: Any) -> dict[str, Any]:
    """An item of a prescription."""
    return {"medication": {"text": text}, **fields}


class Codes:
    """Code lists as one hospital's user sees them."""

    def __init__(self, lists: CodeLists, tenant: Any) -> None:
        self._lists, self.tenant = lists, tenant

    def __getattr__(self, method: str) -> Callable[..., Any]:
        """The RPC of that name: takes the fields of its request."""
        request_class = _ADMIN.methods_by_name[method].input_type._concrete_class
        rpc = getattr(self._lists, _METHODS[method])
        return lambda **fields: rpc(request_class(**fields), self.tenant.call(f"AdminService/{method}"))


@pytest.fixture
def codes_of(app_database: Database, keys: keyring.Keyring) -> Callable[[Any], Codes]:
    """Code lists of a hospital."""
    lists = CodeLists(app_database, Pages(keys.page_token), RequestIds(keys.request_hash))
    return lambda tenant: Codes(lists, tenant)


@pytest.fixture
def codes(codes_of: Callable[[Any], Codes], registry: Any) -> Codes:
    """Code lists of the registry's hospital."""
    return codes_of(registry.tenant)


@pytest.fixture
def prescribe(charts: Any, patient_id: str) -> Callable[..., Any]:
    """Makes a prescription of the patient with medicines of these names."""

    def make(*names: str, **fields: Any) -> Any:
        return charts.create(
            "PRESCRIPTION", **{"patient_id": patient_id, "items": [drug(name) for name in names], **fields}
        )

    return make
