"""Every role that a contract asks for is granted by the plan, or left to a governor on a page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
CONTRACTS: Final = ROOT / "contracts" / "contracts"
_ASKED: Final = re.compile(r'has-role\s+[\w-]+\s+(?:"([\w-]+)"|([A-Z][A-Z_]*))')
_ROW: Final = re.compile(r"^\| `([\w-]+)` \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)


def asked() -> set[str]:
    """The roles that the sources ask for: as text, or by a constant of the same file."""
    roles = set()
    for path in CONTRACTS.glob("*.clar"):
        source = path.read_text(encoding="utf-8")
        for text, constant in _ASKED.findall(source):
            named = re.search(rf'define-constant {constant} "([\w-]+)"', source) if constant else None
            roles.add(text or (named.group(1) if named else constant))
    return roles


def granted() -> dict[str, str]:
    """Role -> who holds it after the plan; the deployer governs by deploying `roles`."""
    plan = json.loads((ROOT / "contracts" / "deployment.json").read_text(encoding="utf-8"))
    grants = {one["role"]: one["who"] for one in plan["after-deployment"] if "role" in one}
    return {"governor": "deployer"} | grants


def documented() -> dict[str, str]:
    """Role -> what the page says of who has it after deployment."""
    page = (ROOT / "docs" / "contracts.md").read_text(encoding="utf-8")
    section = page.split("\n## Roles\n", 1)[1].split("\n## ", 1)[0]
    return dict(_ROW.findall(section))


def test_every_role_that_a_contract_asks_for_is_on_the_page_and_no_other() -> None:
    assert asked() == set(documented())
    assert len(asked()) > 8


def test_the_page_says_who_holds_a_role_after_the_plan() -> None:
    for role, told in documented().items():
        holder = granted().get(role, "nobody")
        assert told.startswith(("the deployer", f"`{holder}`", "nobody")), role
        assert holder in told, role


def test_no_contract_of_ours_is_left_without_a_role_that_it_needs() -> None:
    """Who calls what takes a role: the contracts that the plan grants it to, or none of ours."""
    takes = {"mint": "minter", "slash": "dispute", "hold": "governance"}
    callees = {"mint": "energy-token", "slash": "oracle-staking", "hold": "reward-token"}
    for path in CONTRACTS.glob("*.clar"):
        source = path.read_text(encoding="utf-8")
        for function, role in takes.items():
            if re.search(rf"contract-call\? \.{callees[function]} {function}\b", source):
                assert granted()[role] == path.stem, f"{path.stem} calls {function}"
        assert "contract-call? .reward-token mint" not in source, "who makes WATT needs reward-minter"
        assert ".energy-token burn" not in source, "who burns another's ENERGY needs burner"
