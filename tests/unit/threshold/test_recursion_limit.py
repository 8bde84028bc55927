"""The reference library must not leave the interpreter open to deeply nested input."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import json, sys
before = sys.getrecursionlimit()
{use}
assert sys.getrecursionlimit() == before, sys.getrecursionlimit()
try:
    json.loads("[" * 200_000)
except RecursionError:
    print("refused")
"""


@pytest.mark.parametrize(
    "use",
    [
        "from consensus.threshold.reference import verify; verify(bytes(96), b'', bytes(48))",
        "import oracle.audit.reference",
    ],
)
def test_nested_json_is_an_error_and_no_crash_after_the_reference_is_loaded(use: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(use=use)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "refused\n"), done.stderr
