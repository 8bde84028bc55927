"""One sabotage: a change that breaks one rule of the protocol, and the tests that must notice.

Knows what a patch is and where it belongs; not how tests are run. The lists stand beside, a
file for each part of the protocol; `listed` puts them together.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Sabotage:
    """Replace `old`, which stands once in `file`, by `new`: rule `rule` no longer holds.

    `name` says in a few words what is wrong then. `caught_by` are tests that fail of it:
    pytest ids, or `contracts/tests/….test.ts`, with `::` and a test's name where one will do.
    Choose quick ones; any single failure is enough.
    """

    name: str
    rule: str
    file: str
    old: str
    new: str
    caught_by: tuple[str, ...]

    def patched(self, text: str) -> str:
        """The file's text with the change. Raises ValueError unless `old` stands in it just once."""
        found = text.count(self.old)
        if found != 1:
            raise ValueError(f"{self.name}: what it changes stands {found} times in {self.file}")
        return text.replace(self.old, self.new)

    @property
    def digest(self) -> str:
        """Tells this change from any other."""
        parts = (self.rule, self.file, self.old, self.new, *self.caught_by)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()
