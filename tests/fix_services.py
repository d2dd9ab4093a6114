"""Every service on a module's own database, without the edge in front."""

from __future__ import annotations

from typing import Any

import pytest

from hms_server import bootstrap, config, keyring
from hms_server.cache import client as redis_client
from hms_server.database.transaction import Database
from hms_server.gate.publisher import GatePublisher
from hms_server.identity.door import Door
from hms_server.identity.permissions import Catalogue
from hms_server.policy import load_policies


@pytest.fixture(scope="module")
def servicers(
    app_database: Database, keys: keyring.Keyring, settings: config.Settings, redis_url: str
) -> dict[str, Any]:
    """Every service, as the server puts it together."""
    publisher = GatePublisher(redis_client.connect(redis_url, settings))
    return bootstrap.servicers(
        settings,
        keys,
        app_database,
        app_database,
        publisher,
        Catalogue(load_policies()),
        Door(admit=lambda tenant_id, address: None, count_wrong=lambda account, address: None),
    )
