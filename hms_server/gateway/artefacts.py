"""Writes the files that Envoy reads beside its configuration: scripts, the API's description, its page.

`python -m hms_server.gateway.artefacts DESCRIPTOR_SET FOLDER`; scripts/generate runs it with the stubs
it has just made. The descriptor set must hold source info: comments become descriptions.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from google.protobuf import descriptor_pb2

from hms_server.gateway import guard, openapi, routes
from hms_server.gateway.comments import read_comments
from hms_server.gateway.options import GatewayFiles


def write_artefacts(descriptor_set: Path, folder: Path) -> None:
    """Writes every generated file but the descriptor set itself. The same protos, the same bytes."""
    descriptors = descriptor_pb2.FileDescriptorSet.FromString(descriptor_set.read_bytes())
    description = openapi.document(read_comments(descriptors))
    files = GatewayFiles(folder / "hms.binpb")
    files.openapi.write_text(json.dumps(description, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    files.guard.write_text(guard.guard_script(), encoding="utf-8")
    files.status.write_text(guard.status_script(), encoding="utf-8")
    files.docs.write_text(routes.docs_page(), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """The command line."""
    descriptor_set, folder = arguments
    write_artefacts(Path(descriptor_set), Path(folder))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
