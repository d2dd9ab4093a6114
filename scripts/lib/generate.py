"""Stubs, type stubs, the descriptor set and the gateway's files from protos/.

`--check` writes into a temporary folder and compares, so that CI finds generated code that is not
fresh without touching the work tree.
"""

from __future__ import annotations

import filecmp
import importlib.resources
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def generate(target: pathlib.Path) -> None:
    """Writes the stubs and `hms.binpb` (the descriptor set Envoy transcodes by) into `target`."""
    google = importlib.resources.files("google")
    site_packages = pathlib.Path(str(google.joinpath("api"))).parents[1]
    well_known = pathlib.Path(str(importlib.resources.files("grpc_tools").joinpath("_proto")))
    protos = sorted((ROOT / "protos").rglob("*.proto"))
    relative = [str(path.relative_to(ROOT / "protos")) for path in protos]
    includes = [f"-I{p}" for p in (ROOT / "protos", ROOT / "third_party", site_packages, well_known)]
    plugins = pathlib.Path(sys.executable).parent
    protoc = [sys.executable, "-m", "grpc_tools.protoc", *includes]
    subprocess.run(
        [
            *protoc,
            f"--plugin=protoc-gen-mypy={plugins / 'protoc-gen-mypy'}",
            f"--plugin=protoc-gen-mypy_grpc={plugins / 'protoc-gen-mypy_grpc'}",
            f"--python_out={target}",
            f"--grpc_python_out={target}",
            f"--mypy_out=quiet:{target}",
            f"--mypy_grpc_out=quiet:{target}",
            *relative,
            "buf/validate/validate.proto",
        ],
        check=True,
    )
    # Envoy answers errors with an empty body unless the set holds google.rpc.Status and its details.
    subprocess.run(
        [
            *protoc,
            "--include_imports",
            f"--descriptor_set_out={target / 'hms.binpb'}",
            *relative,
            "google/rpc/status.proto",
            "google/rpc/error_details.proto",
        ],
        check=True,
    )
    for path in list(target.rglob("*_pb2_grpc.py")):
        if "Servicer" not in path.read_text():  # a file of messages alone
            path.unlink()
            path.with_suffix(".pyi").unlink(missing_ok=True)
    for folder in [p for p in target.rglob("*") if p.is_dir()]:
        (folder / "__init__.py").touch()
        (folder / "py.typed").touch()
    generate_gateway(target, [*protoc, "--include_imports"], relative)


def generate_gateway(target: pathlib.Path, protoc: list[str], relative: list[str]) -> None:
    """Writes what Envoy serves and runs: openapi.json, docs.html and the two Lua scripts."""
    with tempfile.TemporaryDirectory() as folder:
        commented = pathlib.Path(folder) / "commented.binpb"
        subprocess.run(
            [*protoc, "--include_source_info", f"--descriptor_set_out={commented}", *relative],
            check=True,
        )
        # A process of its own: the stubs it imports must be the ones just made.
        subprocess.run(
            [sys.executable, "-m", "hms_server.gateway.artefacts", str(commented), str(target)],
            check=True,
            env={
                **os.environ,
                "PYTHONPATH": f"{target}{os.pathsep}{ROOT}",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        )


def differences(left: pathlib.Path, right: pathlib.Path) -> list[str]:
    """Relative names of files that stand in one tree only or differ."""

    def files(tree: pathlib.Path) -> set[str]:
        return {
            str(p.relative_to(tree)) for p in tree.rglob("*") if p.is_file() and "__pycache__" not in p.parts
        }

    ours, theirs = files(left), files(right)
    changed = [n for n in ours & theirs if not filecmp.cmp(left / n, right / n, shallow=False)]
    return sorted((ours ^ theirs) | set(changed))


def main() -> int:
    """Generates, or with `--check` compares; returns the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = pathlib.Path(folder)
        generate(fresh)
        target = ROOT / "generated"
        if "--check" in sys.argv[1:]:
            stale = differences(fresh, target)
            if stale:
                print("generated/ is not fresh, run scripts/generate:", *stale, sep="\n  ")
            return 1 if stale else 0
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(fresh, target)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
