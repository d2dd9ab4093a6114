"""Set-up by scripts/run says in one line what a machine lacks."""

import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
TOOLS = ("bash", "dirname", "df", "awk", "cat", "rm", "flock", "grep", "tail", "sleep")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A checkout without `.venv`, and a `bin` folder beside it that holds only a few tools."""
    for name in ("scripts", "requirements"):
        shutil.copytree(CHECKOUT / name, tmp_path / "checkout" / name)
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path / "checkout")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        if found is not None:
            (tools / name).symlink_to(found)
    return tmp_path


def run(machine: Path) -> subprocess.CompletedProcess[str]:
    """`scripts/run` on that machine, whose home folder does not exist."""
    return subprocess.run(
        [str(machine / "bin" / "bash"), str(machine / "checkout" / "scripts" / "run")],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": str(machine / "bin"), "HOME": str(machine / "no-home")},
        timeout=60,
    )


def give(machine: Path, name: str, script: str) -> None:
    """Put a command on that machine."""
    path = machine / "bin" / name
    path.write_text(f"#!{machine}/bin/bash\n{script}\n")
    path.chmod(0o755)


def test_no_python(machine: Path) -> None:
    result = run(machine)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "needs Python 3.11 or later" in result.stderr


def test_python_that_is_too_old(machine: Path) -> None:
    give(machine, "python3", "exit 1")
    assert "needs Python 3.11 or later" in run(machine).stderr


def test_python_without_venv(machine: Path) -> None:
    give(
        machine,
        "python3",
        'if [ "$2" = venv ]; then echo "ensurepip is not available"; exit 1; fi',
    )
    result = run(machine)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "python3-venv" in result.stderr
    assert not (machine / "checkout" / ".venv").exists()


def test_full_disk(machine: Path) -> None:
    give(machine, "python3", "exit 0")
    (machine / "bin" / "df").unlink()
    give(machine, "df", "echo head; echo disk 9 9 20480 9% /")
    result = run(machine)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "Only 20 MB are free" in result.stderr


def test_packages_that_cannot_be_had(machine: Path) -> None:
    folder = machine / "checkout" / ".venv" / "bin"
    folder.mkdir(parents=True)
    give(machine, "python3", 'if [ "$2" = pip ]; then echo "ERROR: No matching one"; exit 1; fi')
    (machine / "bin" / "python3").rename(folder / "python")
    result = run(machine)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "could not be installed: ERROR: No matching one" in result.stderr
