"""What is installed can deploy: the wheel holds the plan, its sources and the typed client, and no VM."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from oracle.chain import plan

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_plan_that_is_shipped_is_the_one_of_the_checkout(installed: Path) -> None:
    shipped = installed / "oracle" / "chain" / "sources" / "deployment.json"
    assert plan.load(shipped) == plan.load(plan.shipped())


def test_an_installed_program_finds_its_own_plan(installed: Path) -> None:
    program = "import oracle.chain.plan as p; print(p.shipped()); print(len(p.load(p.shipped()).contracts))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=installed,
        env={"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    path, count = done.stdout.split()
    assert Path(path).is_relative_to(installed)
    assert int(count) == len(plan.load(plan.shipped()).contracts)


def test_nothing_of_the_vm_is_in_it(installed: Path) -> None:
    names = {path.suffix for path in installed.rglob("*") if path.is_file()}
    assert not names & {".wasm", ".mjs", ".js", ".ts", ".node"}
