"""The committed interfaces are those of the real Clarity VM, and the suite agrees with a running chain."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

CONTRACTS = Path(__file__).parents[2] / "contracts"


def test_the_committed_interfaces_are_what_the_vm_says() -> None:
    node = os.environ.get("WATTEST_NODE") or shutil.which("node")
    assert node, "Node >= 20 is needed: put it on the path or name it in WATTEST_NODE"
    command = [node, "scripts/interfaces.mjs", "--check"]
    done = subprocess.run(command, cwd=CONTRACTS, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
