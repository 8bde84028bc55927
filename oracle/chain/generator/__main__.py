"""`python -m oracle.chain.generator`: writes `oracle/chain/suite` from contracts/interfaces.json.

For developers, in a checkout: formats with ruff. With `--check` nothing is written, and the
exit code is 1 if a module is not what it should be.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from oracle.chain.generator.modules import modules

ROOT: Final = Path(__file__).parents[3]
INTERFACES: Final = ROOT / "contracts" / "interfaces.json"
SUITE: Final = ROOT / "oracle" / "chain" / "suite"
INIT: Final = '"""The typed client of the contract suite: made by `python -m oracle.chain.generator`."""\n'


def generated() -> dict[str, str]:
    """File name -> formatted text of every module of the suite."""
    text = modules(json.loads(INTERFACES.read_text(encoding="utf-8"))["contracts"])
    return {"__init__.py": INIT} | {name: _formatted(text[name], name) for name in sorted(text)}


def stale() -> tuple[str, ...]:
    """Modules that are missing, left over, or not what the interfaces make."""
    wanted = generated()
    held = {path.name: path.read_text(encoding="utf-8") for path in SUITE.glob("*.py")}
    return tuple(sorted(name for name in wanted | held if wanted.get(name) != held.get(name)))


def main(arguments: list[str]) -> int:
    """Write the suite, or with `--check` say what is stale."""
    if arguments == ["--check"]:
        found = stale()
        if found:
            sys.stderr.write(f"stale: {', '.join(found)}; run `python -m oracle.chain.generator`\n")
        return 1 if found else 0
    wanted = generated()
    for path in SUITE.glob("*.py"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (SUITE / name).write_text(text, encoding="utf-8")
    return 0


def _formatted(text: str, name: str) -> str:
    """In the project's style: imports sorted, those that nothing uses dropped, lines broken."""
    sorted_ = _ruff(text, name, "check", "--quiet", "--fix", "--select", "I001,F401,RUF022")
    return _ruff(sorted_, name, "format")


def _ruff(text: str, name: str, *words: str) -> str:
    command = [sys.executable, "-m", "ruff", *words, "--stdin-filename", str(SUITE / name), "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=ROOT, check=True)  # noqa: S603
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
