"""`wattest`, and `python -m oracle`: the one command."""

from __future__ import annotations

import sys

from oracle.cli import main

if __name__ == "__main__":
    sys.exit(main())
