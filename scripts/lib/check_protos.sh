#!/usr/bin/env bash
# buf lint, and buf breaking against the protos of the last release (protos/released.binpb, which
# scripts/lib/release_protos.sh makes anew at a release).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
common=$(.venv/bin/python -c 'import google.api.http_pb2 as m, pathlib; print(pathlib.Path(m.__file__).parent)')
cp -r protos third_party buf.yaml "$folder"
mkdir -p "$folder/third_party/google/api"
cp "$common/http.proto" "$common/annotations.proto" "$common/httpbody.proto" "$folder/third_party/google/api/"
buf=$PWD/.venv/bin/buf
cd "$folder"
export HOME=$folder
"$buf" lint
if [ "${1:-}" = release ]; then
  "$buf" build --exclude-source-info -o "$OLDPWD/protos/released.binpb"
else
  "$buf" breaking --against protos/released.binpb
fi
