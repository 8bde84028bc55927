"""`python -m examples [NUMBER …]`: tells the stories of these seeds, or all of them."""

from __future__ import annotations

import sys

from examples.stage.run import STORIES, main

if __name__ == "__main__":
    wanted = sys.argv[1:] or list(STORIES)
    unknown = [number for number in wanted if number not in STORIES]
    if unknown:
        sys.exit(f"no story {', '.join(unknown)}: there are {', '.join(STORIES)}")
    sys.exit(main(*wanted))
