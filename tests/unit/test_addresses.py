"""Whose word about the caller's address is believed."""

from __future__ import annotations

import pytest

from hms_server.edge.addresses import resolver
from hms_server.errors import ConfigError


class Context:
    def __init__(self, peer):
        self._peer = peer

    def peer(self):
        return self._peer


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("ipv4:127.0.0.1:4000", "", "127.0.0.1"),
        ("ipv4:127.0.0.1:4000", "203.0.113.9", "203.0.113.9"),
        # the client wrote the first entry itself, the proxy the last
        ("ipv4:127.0.0.1:4000", "10.0.0.1, 203.0.113.9", "203.0.113.9"),
        ("ipv4:203.0.113.9:4000", "10.0.0.1", "203.0.113.9"),
        ("ipv6:%5B::1%5D:4000", "203.0.113.9", "203.0.113.9"),
        ("ipv6:%5B2001:db8::1%5D:4000", "203.0.113.9", "2001:db8::1"),
        # no rule of addresses would refuse these
        ("ipv4:127.0.0.1:4000", "unknown", "127.0.0.1"),
        ("ipv4:127.0.0.1:4000", "203.0.113.9:5000", "127.0.0.1"),
        ("ipv4:127.0.0.1:4000", "2001:db8::7", "2001:db8::7"),
    ],
)
def test_only_a_trusted_proxys_last_entry_is_believed(peer, forwarded, address):
    resolve = resolver("127.0.0.0/8,::1/128")
    assert resolve(Context(peer), {"x-forwarded-for": forwarded}) == address


def test_envoys_word_of_its_client_is_believed_where_more_proxies_stand_in_front():
    metadata = {"x-envoy-external-address": "203.0.113.9", "x-forwarded-for": "203.0.113.9, 10.0.0.1"}
    resolve = resolver("127.0.0.0/8")
    assert resolve(Context("ipv4:127.0.0.1:4000"), metadata) == "203.0.113.9"
    assert resolve(Context("ipv4:198.51.100.7:4000"), metadata) == "198.51.100.7"


def test_a_network_that_is_none_stops_the_start():
    with pytest.raises(ConfigError, match="HMS_TRUSTED_PROXIES"):
        resolver("localhost")
