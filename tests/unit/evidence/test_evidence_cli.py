"""`wattest evidence verify`: exit codes and words, without any node."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oracle.cli import main
from tests.unit.evidence.votes import MEMBERS, A, B, file_of, vote


def test_good_evidence_exits_with_zero_and_names_the_accused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "proof.json"
    path.write_bytes(file_of(vote(A), vote(B)))
    assert main(["evidence", "verify", str(path), "--network", MEMBERS.network.hex()]) == 0
    said = capsys.readouterr().out
    assert "Verified, everything." in said
    assert f"accused: {MEMBERS.node_keys[2].hex()}" in said


def test_evidence_that_proves_nothing_exits_with_one_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "proof.json"
    path.write_bytes(file_of(vote(A), vote(A)))
    assert main(["evidence", "verify", str(path), "--json"]) == 1
    content = json.loads(capsys.readouterr().out)
    assert (content["proven"], content["reason"], content["accused"]) == (False, "bad-votes", [])
    assert content["first-failure"] == "votes"


@pytest.mark.parametrize("arguments", [["missing.json"], ["missing.json", "--network", "xyz"]])
def test_nothing_to_judge_exits_with_two(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["evidence", "verify", *arguments]) == 2
    assert capsys.readouterr().err.startswith("wattest evidence verify: ")
