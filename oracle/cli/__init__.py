"""The command line: one command, `wattest`, with a sub-command for each thing one does.

Exit codes: 0 done, or the verdict is good; 1 a verdict is bad, or the node failed; 2 the
command or the configuration is wrong; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Final

from oracle.cli import audit, contracts, evidence, explain, keys, node, status

_COMMANDS: Final[tuple[Callable[[argparse._SubParsersAction[argparse.ArgumentParser]], None], ...]] = (
    keys.add,
    node.add,
    status.add,
    explain.add,
    audit.add,
    evidence.add,
    contracts.add,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code."""
    parser = argparse.ArgumentParser(
        prog="wattest",
        description="A staked oracle network for energy. An operator uses `init`, `run` and `status`;"
        " an auditor `export`, `verify` and `evidence`.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in _COMMANDS:
        add(commands)
    options = parser.parse_args(arguments)
    try:
        code: int = options.run(options)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    return code
