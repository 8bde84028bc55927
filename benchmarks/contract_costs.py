"""What a window costs on chain, for each size of committee.

    python -m benchmarks.contract_costs

The costs are integers that the VM counts, so they are the same on every machine:
contracts/COSTS.md has them all, and here they are measured anew against that page. The
yardstick is the prototype, which verified the same kind of certificate and no more.
"""

from __future__ import annotations

import re
import subprocess

from benchmarks.table import Table
from deploy.demo.processes import ROOT, StartFailed, node_program

CONTRACTS = ROOT / "contracts"
MEASURE_S = 300
_CALL = re.compile(r"\| production-oracle submit-window \((\d+ of \d+)\) \|(.+)\|$", re.MULTILINE)
_BESIDE = re.compile(r"^\| (\d+ of \d+) \|(.+)\|$", re.MULTILINE)


def main() -> None:
    print(table(measured()).text())


def measured() -> str:
    """Measure every call on the real VM; say how that compares with the page.

    Raises RuntimeError with what has become dearer than the page says.
    """
    if not (CONTRACTS / "node_modules").exists():
        return "as contracts/COSTS.md says; not measured now, the contracts' packages are not installed"
    try:
        node = node_program()
    except StartFailed as cause:
        return f"as contracts/COSTS.md says; not measured now: {cause}"
    command = [node, "scripts/costs.mjs", "--check"]
    run = subprocess.run(
        command, cwd=CONTRACTS, capture_output=True, text=True, timeout=MEASURE_S, check=False
    )
    if run.returncode:
        raise RuntimeError(f"dearer than contracts/COSTS.md says:\n{run.stderr}")
    return "measured now on the VM: nothing costs more than contracts/COSTS.md says"


def table(measurement: str) -> Table:
    """The calls of a settlement window, from the page that was just measured against."""
    page = (CONTRACTS / "COSTS.md").read_text(encoding="utf-8")
    beside = {name: _cells(cells) for name, cells in _BESIDE.findall(page)}
    rows = []
    for name, text in _CALL.findall(page):
        runtime, reads, _, _, write_bytes, _, block = _cells(text)
        prototype, ratio = beside[name][1:3]
        rows.append((name, runtime, prototype, ratio, reads, write_bytes, block.partition(" (")[0]))
    header = ("signatures", "runtime", "yardstick: prototype", "ratio", "reads", "write bytes", "of a block")
    return Table("submit-window on chain", header, tuple(rows), (measurement,))


def _cells(text: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in text.split("|"))


if __name__ == "__main__":
    main()
