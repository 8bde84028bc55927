"""The deployer's address goes into a node's configuration, and nothing else in it changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from consensus.encoding import Principal
from oracle import config
from oracle.cli import main as wattest
from oracle.cli.addresses import set_deployer

DEPLOYER = Principal(26, b"\x01" * 20)


def test_only_the_deployer_changes_in_the_configuration_that_init_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert wattest(["init", str(tmp_path), "--light"]) == 0
    path = tmp_path / "node.toml"
    path.chmod(0o600)
    before = path.read_text().splitlines()
    set_deployer(path, DEPLOYER)
    after = path.read_text().splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == 1
    assert changed[0][1].startswith("deployer = ")
    assert changed[0][1].partition("#")[2] == changed[0][0].partition("#")[2], "the comment stays"
    assert config.load(path).chain.deployer == DEPLOYER
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


def test_a_configuration_without_the_setting_gets_it(tmp_path: Path) -> None:
    path = tmp_path / "node.toml"
    path.write_text('[node]\ndata = "d"\n[chain]\nagree = 1\n[api]\n')
    set_deployer(path, DEPLOYER)
    assert path.read_text().splitlines()[3].startswith("deployer = ")
    assert config.load(path).chain.deployer == DEPLOYER


@pytest.mark.parametrize(
    "text",
    ["", "[node]\n", '[node]\ndeployer = "x"\n', '[chain]\n"deployer" = "x"\n', "[chain]\ndeployer = 'x'\n"],
)
def test_a_configuration_in_which_it_cannot_be_set_is_left_alone(text: str, tmp_path: Path) -> None:
    path = tmp_path / "node.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"node\.toml"):
        set_deployer(path, DEPLOYER)
    assert path.read_text() == text
