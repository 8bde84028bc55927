"""What `wattest contracts` shows: a plan's transactions, their progress, and the verdict at the end."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Final

from consensus.encoding import Principal
from oracle.chain.address import account_text
from oracle.chain.deployment import Progress, Standing, Step
from oracle.chain.plan import Costs

BUDGET: Final = Costs(5_000_000_000, 15_000, 100_000_000, 15_000, 15_000_000)
"""What the transactions of one tenure may take together."""
_HEAD: Final = ("", "transaction", "fee uSTX", "runtime", "reads", "writes", "of a block")
_ROW: Final = "{:8} {:58} {:>9} {:>9} {:>6} {:>6} {:>10}"


def show(
    steps: tuple[Step, ...], network: str, deployer: Principal, fee_max_ustx: int, *, as_json: bool
) -> None:
    """Every transaction with what it costs the chain and what it pays, and the sum of the fees."""
    missing = [step for step in steps if step.standing is Standing.MISSING]
    total_ustx = sum(step.fee_ustx for step in missing)
    most_ustx = len(missing) * fee_max_ustx
    if as_json:
        said = {"deployer": account_text(deployer), "steps": [_object(one) for one in steps]}
        fees = {"fees_ustx": total_ustx, "fees_max_ustx": most_ustx}
        print(json.dumps({**said, **fees}), flush=True)
        return
    print(f"{network}, deployer {account_text(deployer)}")
    print(_ROW.format(*_HEAD))
    for step in steps:
        fee = step.fee_ustx if step.standing is Standing.MISSING else ""
        print(_ROW.format(step.standing.value, step.label[:58], fee, *_costs(step.costs)).rstrip())
    sent = f"{len(missing)} transactions to send"
    at_most = f"at most {most_ustx / 1e6:g} STX if none is taken at that" if missing else "nothing to pay"
    print(f"{sent}, {total_ustx} microSTX in fees ({total_ustx / 1e6:.6f} STX); {at_most}", flush=True)


def tell(one: Progress, *, as_json: bool) -> None:
    """One line for each step, as it is done."""
    if as_json:
        print(json.dumps(asdict(one)), flush=True)
        return
    what = "is there" if one.txid is None else f"0x{one.txid}"
    print(f"[{one.at}/{one.steps}] {one.label}  {what}", flush=True)


def verdict(steps: tuple[Step, ...], deployer: Principal, *, as_json: bool) -> int:
    """Whether everything on chain is as planned, the sources letter by letter: the exit code."""
    wrong = [step for step in steps if step.standing is not Standing.DONE]
    if as_json:
        rows = {step.label: step.standing.value for step in steps}
        print(json.dumps({"deployer": account_text(deployer), "good": not wrong, "steps": rows}))
        return int(bool(wrong))
    for step in wrong:
        print(f"{step.standing.value:8} {step.label}  {step.detail}".rstrip())
    if not wrong:
        count = len(steps)
        print(f"{count} of {count} steps are done by {account_text(deployer)}; each source is the plan's")
    return int(bool(wrong))


def _object(step: Step) -> dict[str, Any]:
    costs = None if step.costs is None else asdict(step.costs)
    return {"step": step.label, "standing": step.standing.value, "fee_ustx": step.fee_ustx, "costs": costs}


def _costs(costs: Costs | None) -> tuple[str, str, str, str]:
    if costs is None:
        return "unknown", "", "", ""
    taken, budget = asdict(costs), asdict(BUDGET)
    share = max(taken[name] / budget[name] for name in taken)
    return str(costs.runtime), str(costs.reads), str(costs.writes), f"{share:.4%}"
