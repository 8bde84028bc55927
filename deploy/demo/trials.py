"""`make trials`: the demo with one adversary after the other; every one must be caught and pay.

Each trial has a fresh state of its own, which is removed when all went well and kept, and
named, when it did not.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from deploy.demo.charges import CHARGES
from deploy.demo.processes import ROOT

WINDOWS: Final = 2
TRIAL_S: Final = 420.0


@dataclass(frozen=True, slots=True)
class Result:
    """How one trial ended; `said` is what the demo told of it."""

    adversary: str
    caught: bool
    seconds: int
    said: tuple[str, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 if every adversary was caught, 1 if one was not, 130 if broken off."""
    parser = argparse.ArgumentParser(prog="python -m deploy.demo.trials", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        choices=[*CHARGES, []],
        metavar="NAME",
        help="; ".join(CHARGES) + "; all by default",
    )
    parser.add_argument("--json", action="store_true", help="the results as JSON")
    options = parser.parse_args(arguments)
    names = options.names or list(CHARGES)
    results = []
    for number, name in enumerate(names, 1):
        sys.stderr.write(f"[{number}/{len(names)}] {name} …\n")
        try:
            result = _tried(name)
        except KeyboardInterrupt:
            return 130
        sys.stderr.write("".join(f"    {line}\n" for line in result.said))
        results.append(result)
    if options.json:
        print(json.dumps([asdict(one) for one in results], indent=1))
    else:
        for one in results:
            print(f"{one.adversary:16} {'caught' if one.caught else 'NOT CAUGHT':10} {one.seconds:4} s")
    return 0 if all(one.caught for one in results) else 1


def _tried(name: str) -> Result:
    state = Path(tempfile.mkdtemp(prefix=f"wattest-{name}-"))
    command = [sys.executable, "-m", "deploy.demo", "--adversary", name]
    command += ["--windows", str(WINDOWS), "--port", "0", "--state", str(state)]
    began_s = time.monotonic()
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TRIAL_S, check=False)
        code, output = done.returncode, done.stdout + done.stderr
    except subprocess.TimeoutExpired:
        code, output = 1, f"⚑ not over after {TRIAL_S:g} s\n"
    said = tuple(line for line in output.splitlines() if line.startswith("⚑"))
    if code == 0:
        shutil.rmtree(state)
    else:
        last = output.splitlines()[-1:] or ["it said nothing"]
        said += (f"exit code {code}: {last[0]}", f"its state and logs are kept in {state}")
    return Result(name, code == 0, round(time.monotonic() - began_s), said)


if __name__ == "__main__":
    sys.exit(main())
