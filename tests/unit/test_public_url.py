"""HMS_PUBLIC_URL: what assertions of services must name."""

from __future__ import annotations

import pytest

from hms_server import config
from hms_server.errors import ConfigError


@pytest.mark.parametrize(
    ("url", "audience"),
    [
        ("", ""),
        ("https://hms.example.org", "https://hms.example.org/v1/auth:token"),
        ("https://hms.example.org/", "https://hms.example.org/v1/auth:token"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1/auth:token"),
        ("https://example.org/hospital/", "https://example.org/hospital/v1/auth:token"),
    ],
)
def test_the_audience_is_the_token_endpoint_of_this_installation(monkeypatch, url, audience):
    monkeypatch.setenv("HMS_PUBLIC_URL", url)
    assert config.load(serving=False).assertion_audience == audience


@pytest.mark.parametrize(
    "url",
    [
        "hms.example.org",
        "ftp://hms.example.org",
        "https://",
        "https://a b",
        "https://u:p@a",
        "https://a/?x=1",
    ],
)
def test_what_is_no_address_stops_the_start(monkeypatch, url):
    monkeypatch.setenv("HMS_PUBLIC_URL", url)
    with pytest.raises(ConfigError, match="HMS_PUBLIC_URL"):
        config.load(serving=False)
