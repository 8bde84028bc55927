"""`python -m tests.fuzz --target all --seconds 60`: coverage-guided fuzzing, with atheris.

Each target runs in a process of its own, from its seeds and its corpus. What fails is written
to `tests/fuzz/corpus/<target>/`, where every run of the tests answers it from then on. With
`--keep`, what reaches code of its own is kept there too, smallest first.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
CASE_S: Final = 5
MEMORY_MIB: Final = 2048
KEPT_BYTES_MAX: Final = 24 << 10
"""Of one target, failing cases aside."""
LOOKED_AT_MAX: Final = 1500


def main() -> int:
    """Run; 1 if any target failed."""
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("--target", default="all", help="a name of tests/fuzz/targets.py, or all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--keep", action="store_true", help="add to the corpus what reaches new code")
    parser.add_argument("--inside", metavar="FOLDER", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        return _fuzz(options.target, options.seconds, Path(options.inside))
    from tests.fuzz.targets import TARGETS, named

    targets = TARGETS if options.target == "all" else (named(options.target),)
    return max(_run(target.name, options.seconds, keep=options.keep) for target in targets)


def _run(name: str, seconds: int, *, keep: bool) -> int:
    from tests.fuzz.targets import CORPUS, kept, named

    with tempfile.TemporaryDirectory() as folder:
        found, failed = Path(folder) / "found", Path(folder) / "failed"
        for place in (found, failed):
            place.mkdir()
        for data in [*named(name).seeds(), *kept(named(name))]:
            _write(found, data)
        command = [sys.executable, "-m", "tests.fuzz", "--target", name, "--seconds", str(seconds)]
        log = Path(folder) / "log"
        with log.open("wb") as out:
            done = subprocess.run(
                [*command, "--inside", folder], cwd=ROOT, stdout=out, stderr=out, check=False
            )
        for path in failed.iterdir():
            where = _write(CORPUS / name, path.read_bytes(), "failed-")
            print(f"{name}: {where.relative_to(ROOT)} is not answered", flush=True)
        tail = log.read_text(errors="replace").splitlines()
        if done.returncode:
            print("\n".join(tail[-40:]), flush=True)
        runs = next((line for line in reversed(tail) if line.startswith("Done ")), "ended early")
        print(f"{name}: exit {done.returncode}, {runs}", flush=True)
        if keep:
            _keep(name, sorted((path.read_bytes() for path in found.iterdir()), key=len))
    return int(done.returncode != 0)


def _fuzz(name: str, seconds: int, folder: Path) -> int:
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["consensus", "oracle"]):
        from tests.fuzz.targets import named

    target = named(name)
    for seed in target.seeds():
        target.check(seed)
    arguments = [
        *(sys.argv[0], str(folder / "found")),
        *(f"-max_total_time={seconds}", f"-max_len={target.bytes_max}", f"-timeout={CASE_S}"),
        *(f"-rss_limit_mb={MEMORY_MIB}", f"-artifact_prefix={folder}/failed/", "-print_final_stats=1"),
    ]
    atheris.Setup(arguments, lambda data: target.check(bytes(data)) and None)
    atheris.Fuzz()
    return 0


def _keep(name: str, inputs: list[bytes]) -> None:
    """The smallest inputs that together reach each line of ours that any of them reaches."""
    from tests.fuzz.targets import CORPUS, kept, named

    target, reached = named(name), set[tuple[str, int]]()
    seeds = {*target.seeds(), *kept(target)}
    room = KEPT_BYTES_MAX - sum(map(len, kept(target)))
    for seed in sorted(seeds, key=len):
        reached |= _lines(target.check, seed)
    for data in inputs[:LOOKED_AT_MAX]:
        fresh = _lines(target.check, data) - reached
        if fresh and len(data) <= room and data not in seeds:
            reached |= fresh
            room -= len(data)
            _write(CORPUS / name, data)


def _lines(check: Any, data: bytes) -> set[tuple[str, int]]:
    """Which steps from line to line of our own files an input takes."""
    steps: set[tuple[str, int]] = set()
    last: dict[str, int] = {}

    def line(frame: FrameType, event: str, _: Any) -> Any:
        name = frame.f_code.co_filename
        if event == "line":
            steps.add((name, last.get(name, 0) * 10_000 + frame.f_lineno))
            last[name] = frame.f_lineno
        return line

    def call(frame: FrameType, _event: str, _: Any) -> Any:
        path = frame.f_code.co_filename
        return line if path.startswith((f"{ROOT}/consensus", f"{ROOT}/oracle")) else None

    sys.settrace(call)
    try:
        check(data)
    except Exception:  # noqa: BLE001 - a failing case is kept as one already
        return set()
    finally:
        sys.settrace(None)
    return steps


def _write(folder: Path, data: bytes, prefix: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{prefix}{hashlib.sha256(data).hexdigest()[:16]}"
    path.write_bytes(data)
    return path


if __name__ == "__main__":
    sys.exit(main())
