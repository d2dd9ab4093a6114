"""Etags and update masks."""

from __future__ import annotations

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from hms.admin.v1 import admin_pb2 as pb
from hms_server import aip, errors

MUTABLE = ("time_zone", "uhid_digits")


def test_an_etag_is_the_version():
    aip.require_etag("", 3)
    aip.require_etag("3", 3)
    for sent in ("2", "03", "x", " 3"):
        with pytest.raises(errors.Aborted) as caught:
            aip.require_etag(sent, 3)
        assert caught.value.reason == "ETAG_MISMATCH"


@pytest.mark.parametrize(
    ("paths", "fields"),
    [
        ([], {"time_zone"}),
        (["*"], {"time_zone", "uhid_digits"}),
        (["uhid_digits"], {"uhid_digits"}),
        (["time_zone", "time_zone"], {"time_zone"}),
    ],
)
def test_a_mask_selects(paths, fields):
    message = pb.Settings(time_zone="UTC", uhid_prefix="not mutable here")
    assert aip.selected(message, FieldMask(paths=paths), MUTABLE) == fields


@pytest.mark.parametrize("path", ["", "uhid_prefix", "time_zone.x", "no_such", "*"])
def test_other_paths_are_refused(path):
    with pytest.raises(errors.InvalidArgument) as caught:
        aip.selected(pb.Settings(), FieldMask(paths=["time_zone", path]), MUTABLE)
    assert [violation.field for violation in caught.value.violations] == ["update_mask"]


def test_an_id_is_required():
    aip.require_id("user.id", "x")
    with pytest.raises(errors.InvalidArgument):
        aip.require_id("user.id", "")
