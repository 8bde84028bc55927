"""Where the addresses of a deployment are written: a record of all, and each node's configuration."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Final

from consensus.encoding import Principal
from oracle.chain import deployment, plan
from oracle.chain.address import account_text
from oracle.chain.plan import Plan

_SECTION: Final = re.compile(r"^\[chain\][^\n]*\n", re.MULTILINE)
_DEPLOYER: Final = re.compile(r'^(deployer\s*=\s*)"[^"]*"', re.MULTILINE)


def write_record(path: Path, network: str, suite: Plan, deployer: Principal) -> None:
    """Network, deployer, parameters, each contract's address and the digest of its source."""
    content = {
        "network": network,
        "deployer": account_text(deployer),
        "parameters": dict(suite.parameters),
        "contracts": deployment.addresses(suite, deployer),
        "sources": {one.name: plan.source_digest(one) for one in suite.contracts},
    }
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _replace(path, json.dumps(content, indent=1) + "\n")


def set_deployer(path: Path, deployer: Principal) -> None:
    """Put the deployer into a node's configuration; raises as `with_deployer` does."""
    _replace(path, with_deployer(path, deployer), path.stat().st_mode & 0o777)


def with_deployer(path: Path, deployer: Principal) -> str:
    """A node's configuration with this deployer; everything else stays, comments as well.

    Raises ValueError where that cannot be done without a person, OSError where there is no file.
    """
    text, wanted = path.read_text(encoding="utf-8"), account_text(deployer)
    section = _SECTION.search(text)
    if section is None:
        raise ValueError(f"{path} has no [chain]")
    body, following, tail = text[section.end() :].partition("\n[")
    changed, count = _DEPLOYER.subn(rf'\g<1>"{wanted}"', body, count=1)
    if not count:
        changed = f'deployer = "{wanted}"\n{body}'
    written = f"{text[: section.end()]}{changed}{following}{tail}"
    if _deployer_in(written) != wanted:
        raise ValueError(f"{path}: chain.deployer cannot be set; put {wanted} there by hand")
    return written


def _deployer_in(text: str) -> object:
    try:
        return tomllib.loads(text)["chain"].get("deployer")
    except tomllib.TOMLDecodeError:
        return None


def _replace(path: Path, text: str, mode: int = 0o644) -> None:
    """The old file or the new one, and nothing in between."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.chmod(mode)
    beside.replace(path)
