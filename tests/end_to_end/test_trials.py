"""The demo with a traitor: caught, slashed by the exact amount, shut out, and the demo says so."""

from __future__ import annotations

import pytest

from deploy.demo import trials
from deploy.demo.charges import CHARGES, Proof
from deploy.demo.traitor import KINDS

ON_TRIAL = ("equivocate", "lying-records", "bad-share", "two-faced-meter")
"""Judged from two votes, from a record, by vote, and a meter; `make trials` has them all."""


def test_every_adversary_of_the_charges_can_be_played() -> None:
    played = {name for name, charge in CHARGES.items() if charge.proof is not Proof.METER}
    assert played == set(KINDS)
    assert set(ON_TRIAL) <= set(CHARGES)


@pytest.mark.parametrize("name", ON_TRIAL)
def test_an_adversary_of_the_demo_is_caught_and_pays(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert trials.main([name]) == 0, capsys.readouterr().err
    said = capsys.readouterr()
    assert f"{name}: caught, and paid for" in said.err
    assert "caught" in said.out
