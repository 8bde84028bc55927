"""A copy of the project to be broken, and the way to run a few tests in it.

Decides what is copied, what is linked, and what the end of a test run means. Does not know
which change is made there, nor why.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from tests.sabotage.sabotage import ROOT, Sabotage

LINKED: Final = (".venv", "contracts/node_modules", "deploy/devnet/node_modules")
LEFT_OUT: Final = frozenset(
    {
        ".git",
        ".venv",
        "node_modules",
        "__pycache__",
        ".wattest",
        ".hypothesis",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        ".import_linter_cache",
        ".run",
        "dist",
    }
)
COUNTED: Final = ("consensus", "oracle", "contracts", "deploy", "tests", "pyproject.toml")
"""What decides the end of a test; a result is remembered for just this."""
COMPILED: Final = ("consensus", "oracle", "deploy")
VITEST: Final = ".test.ts"
_REPORT: Final = "sabotage-report.json"
_TEST: Final = re.compile(r"^(?:FAILED|ERROR) (\S+::.*?)(?: - .*)?$", re.MULTILINE)


class Ending(Enum):
    """How a selection of tests ended."""

    GREEN = "green"
    RED = "red"
    HUNG = "hung"
    """Not over within its time."""
    NO_RUN = "no-run"
    """No test was run: a name is wrong, or the sources cannot be read any more."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of a selection; `test` is the first that failed, `output` what was said."""

    ending: Ending
    test: str = ""
    output: str = ""


class Stopped(Exception):  # noqa: N818 - it states a fact
    """The run was broken off from outside."""


class Tree:
    """A copy of the project in a temporary folder; one test run at a time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._running: subprocess.Popen[str] | None = None
        self._stopped = False

    @contextmanager
    def broken(self, sabotage: Sabotage) -> Iterator[None]:
        """Make the change, and take it back."""
        place = self.root / sabotage.file
        text = place.read_text(encoding="utf-8")
        place.write_text(sabotage.patched(text), encoding="utf-8")
        try:
            yield
        finally:
            place.write_text(text, encoding="utf-8")

    def run(self, tests: Sequence[str], limit_s: float, *, stop_at_first: bool = True) -> Verdict:
        """Run tests of both kinds, pytest's first; `limit_s` holds for each kind."""
        pythons = [test for test in tests if VITEST not in test]
        clarities = [test for test in tests if VITEST in test]
        if pythons:
            verdict = self._pytest(pythons, limit_s, stop_at_first=stop_at_first)
            if verdict.ending is not Ending.GREEN:
                return verdict
        for test in clarities:
            verdict = self._vitest(test, limit_s)
            if verdict.ending is not Ending.GREEN:
                return verdict
        return Verdict(Ending.GREEN)

    def stop(self) -> None:
        """End what is running; may be called from another thread."""
        self._stopped = True
        self._kill()

    def _pytest(self, tests: Sequence[str], limit_s: float, *, stop_at_first: bool) -> Verdict:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-rfE",
            "--tb=line",
            "--color=no",
            "-p",
            "no:cacheprovider",
        ]
        command += ["--hypothesis-seed=0", *(["-x"] if stop_at_first else []), *tests]
        code, output = self._carry_out(command, self.root, limit_s)
        if code is None:
            return Verdict(Ending.HUNG, output=output)
        failed = _TEST.findall(output)
        match code:
            case 0:
                return Verdict(Ending.GREEN, output=output)
            case 1 if failed:
                return Verdict(Ending.RED, failed[0], output)
            case _:
                return Verdict(Ending.NO_RUN, output=output)

    def _vitest(self, test: str, limit_s: float) -> Verdict:
        file, _, name = test.partition("::")
        contracts, report = self.root / "contracts", self.root / _REPORT
        report.unlink(missing_ok=True)
        command = [node(), "node_modules/vitest/vitest.mjs", "run", "--bail=1", "--reporter=json"]
        command += [f"--outputFile={report}", file.removeprefix("contracts/")]
        command += ["-t", re.escape(name)] if name else []
        code, output = self._carry_out(command, contracts, limit_s)
        if code is None:
            return Verdict(Ending.HUNG, output=output)
        if not report.exists():
            return Verdict(Ending.NO_RUN, output=output)
        said = [
            one for part in json.loads(report.read_text())["testResults"] for one in part["assertionResults"]
        ]
        failed = [one["fullName"] for one in said if one["status"] == "failed"]
        if failed:
            return Verdict(Ending.RED, f"{file}::{failed[0]}", output)
        if code or not any(one["status"] == "passed" for one in said):
            return Verdict(Ending.NO_RUN, output=output)
        return Verdict(Ending.GREEN, output=output)

    def _carry_out(self, command: Sequence[str], where: Path, limit_s: float) -> tuple[int | None, str]:
        """The exit code, None when time was over, and all that was printed."""
        if self._stopped:
            raise Stopped
        self._running = subprocess.Popen(
            command,
            cwd=where,
            env=_environment(self.root),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = self._running.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            self._kill()
            output, _ = self._running.communicate()
            return None, output
        finally:
            self._kill()
        if self._stopped:
            raise Stopped
        return self._running.returncode, output

    def _kill(self) -> None:
        """End the group of what was started, children that stayed behind included."""
        if self._running is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._running.pid, signal.SIGKILL)


@contextmanager
def copied() -> Iterator[Tree]:
    """A copy of the project, gone at the end."""
    with tempfile.TemporaryDirectory(prefix="wattest-sabotage-", ignore_cleanup_errors=True) as folder:
        root = Path(folder) / "tree"
        shutil.copytree(ROOT, root, ignore=lambda _, names: LEFT_OUT.intersection(names), symlinks=True)
        for name in LINKED:
            if (ROOT / name).exists():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).symlink_to((ROOT / name).resolve())
        # Compiled once, by the hash of its source: a file that is changed and changed back within a
        # second is read anew, and the others need not be.
        subprocess.run(
            [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash", *COMPILED],
            cwd=root,
            check=True,
        )
        tree = Tree(root)
        try:
            yield tree
        finally:
            tree.stop()


def digest() -> str:
    """Tells this state of the project from any other, the lists of sabotages left out."""
    hashed = hashlib.sha256()
    for name in COUNTED:
        place = ROOT / name
        for path in sorted([place] if place.is_file() else place.rglob("*")):
            inner = path.relative_to(ROOT)
            if (
                path.is_file()
                and not LEFT_OUT.intersection(inner.parts)
                and inner.parts[1:2] != ("sabotage",)
            ):
                hashed.update(str(inner).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return hashed.hexdigest()


def node() -> str:
    """The Node program: that of the set-up, or the path's."""
    told = os.environ.get("WATTEST_NODE")
    written = ROOT / ".venv" / "node-program"
    if not told and written.exists():
        told = written.read_text(encoding="utf-8").strip()
    return told or shutil.which("node") or "node"


def _environment(root: Path) -> dict[str, str]:
    program = node()
    plain = {name: value for name, value in os.environ.items() if name not in {"FORCE_COLOR", "PY_COLORS"}}
    return {
        **plain,
        "PYTHONPATH": str(root),
        "PYTHONDONTWRITEBYTECODE": "1",
        "WATTEST_NODE": program,
        "PATH": os.pathsep.join([str(Path(program).parent), os.environ.get("PATH", "")]),
        "NO_COLOR": "1",
    }
