"""The documents say what is there: links, commands, settings, reasons, rules."""

from __future__ import annotations

import importlib.util
import itertools
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from docs import generate_reasons
from oracle.cli import main as wattest

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = (".py", ".clar", ".ts", ".mjs", ".sh")
_LINK: Final = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_RULE: Final = re.compile(r"^- \*\*([QRANTKCEU]\d+)\*\* ", re.MULTILINE)
_CITED: Final = re.compile(
    r"(?:# |\()((?:[QRANTKCEU]\d{1,2}(?:, | to | and )?)+)(?=[):.,; ]|$)", re.MULTILINE
)
_ID: Final = re.compile(r"[QRANTKCEU]\d{1,2}")
_SHOWN: Final = re.compile(r"\[`(test_\w+)`\]\(\.\./([^)]+)\)")
_SETTING: Final = re.compile(
    r"\b(node|chain|peers|api|feeds|pace|restatement|timeouts|mqtt|one)\."
    r"(?:path|flag|integers?|number|strings?|principal|address|peers|tables|optional_(?:path|integer|string))"
    r'\("(\w+)"'
)
_SECTION: Final = {"mqtt": "feeds.mqtt", "one": "feeds.poll"}
# Written in two parts, so that this file does not hold what it looks for.
HOSTS: Final = tuple(
    "".join(parts)
    for parts in (
        ("pypi", ".org"),
        ("pythonhosted", ".org"),
        ("registry.", "npmjs"),
        ("registry.", "yarnpkg"),
        ("proxy.", "golang"),
        ("crates", ".io/api"),
        ("artifactory", "."),
        ("index", "-url"),
    )
)
MACHINE_PATH: Final = re.compile(r"(?<![\w.~/-])/(?:ro" + r"ot|wo" + r"rk|home/\w+|Users/\w+|mnt/\w+)/[\w.]")


def documents() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".md"]


def tracked() -> list[Path]:
    """Every file of the repository, those not yet committed included."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git repository")
    names = listed.stdout.decode().split("\0")
    return sorted(ROOT / name for name in names if name and (ROOT / name).is_file())


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def slugs(page: str) -> set[str]:
    """The anchors that a page's headings make."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands() -> Iterator[tuple[str, str]]:
    """(document, line) of every command in a fenced block of shell."""
    for path in documents():
        for language, block in _FENCE.findall(text_of(path)):
            if language in {"sh", "bash"}:
                name = str(path.relative_to(ROOT))
                yield from ((name, line.strip()) for line in block.splitlines() if line.strip())


def test_the_page_of_reasons_is_current() -> None:
    assert text_of(ROOT / "docs" / "reasons.md") == generate_reasons.page()


def test_every_reason_has_a_line_and_no_line_is_left_over() -> None:
    bare = [
        f"{section.enum}.{row.member}"
        for section in generate_reasons.SECTIONS
        for row in generate_reasons.rows(section)
        if not row.line
    ]
    assert bare == []
    assert generate_reasons.superfluous_lines() == ()


def test_a_reason_without_advice_would_be_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = tmp_path / "consensus" / "new.py"
    module.parent.mkdir()
    module.write_text(
        'class NewReason(Enum):\n    A = \'a\'\n    B = \'b\'\n    """Do this."""\n'
        "class Odd(Enum):\n    C = 'c'\nx = Rejected(Odd.C)\nclass State(Enum):\n    D = 'd'\n"
    )
    monkeypatch.setattr(generate_reasons, "ROOT", tmp_path)
    assert set(generate_reasons.reason_enums()) == {
        ("consensus/new.py", name) for name in ("NewReason", "Odd")
    }
    section = generate_reasons.Section("consensus/new.py", "NewReason", "", "")
    assert [row.line for row in generate_reasons.rows(section)] == ["", "Do this."]


def test_no_reason_in_the_source_is_left_off_the_page() -> None:
    shown = {(section.file, section.enum) for section in generate_reasons.SECTIONS}
    found = set(generate_reasons.reason_enums())
    assert len(found) > 20
    assert found - shown == set()


def test_every_link_leads_somewhere() -> None:
    broken = []
    for path in documents():
        for target in _LINK.findall(_FENCE.sub("", text_of(path))):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            place = (path.parent / name).resolve() if name else path
            if not place.exists() or (anchor and anchor not in slugs(text_of(place))):
                broken.append(f"{path.relative_to(ROOT)}: {target}")
    assert broken == []


def test_every_make_command_is_a_target() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    pages = [(str(path.relative_to(ROOT)), text_of(path)) for path in documents()]
    named = [
        (name, target)
        for name, page in pages
        for target in re.findall(r"(?:^|`)make ([a-z-]+)", page, re.MULTILINE)
    ]
    assert [(name, target) for name, target in named if target not in targets] == []
    assert ("README.md", "demo") in named


def test_every_wattest_command_and_option_exists(capsys: pytest.CaptureFixture[str]) -> None:
    found = [
        (name, words)
        for name, line in commands()
        if (words := line.removeprefix(".venv/bin/").split())[0] == "wattest"
    ]
    assert found
    for name, (_, command, *words) in found:
        with pytest.raises(SystemExit) as ended:
            # Words before the first option may be commands of a command.
            wattest([command, *itertools.takewhile(lambda word: not word.startswith("-"), words), "--help"])
        assert ended.value.code == 0, f"{name}: wattest {command}"
        described = capsys.readouterr().out
        for option in (word for word in words if word.startswith("--")):
            assert option in described, f"{name}: wattest {command} {option}"


def test_every_python_module_that_a_page_runs_exists() -> None:
    modules = {
        module
        for path in documents()
        for module in re.findall(
            r"python -m ((?:oracle|consensus|deploy|docs|benchmarks)[\w.]*)", text_of(path)
        )
    }
    assert modules
    assert [module for module in sorted(modules) if importlib.util.find_spec(module) is None] == []


def test_every_rule_that_is_cited_is_in_the_protocol() -> None:
    rules = set(_RULE.findall(text_of(ROOT / "docs" / "protocol.md")))
    cited: dict[str, str] = {}
    for path in tracked():
        if path.suffix in SOURCES and "fixtures" not in path.parts:
            for group in _CITED.findall(text_of(path)):
                cited |= dict.fromkeys(_ID.findall(group), str(path.relative_to(ROOT)))
    assert {rule: where for rule, where in cited.items() if rule not in rules} == {}
    assert {"A4", "N1", "R2", "T1", "K3", "C1"} <= cited.keys()


def test_every_test_that_the_protocol_names_is_there() -> None:
    shown = _SHOWN.findall(text_of(ROOT / "docs" / "protocol.md"))
    assert len(shown) > 50
    assert [name for name, path in shown if f"def {name}(" not in text_of(ROOT / path)] == []


def test_every_setting_is_described_and_no_other() -> None:
    settings = {
        f"{_SECTION.get(section, section)}.{name}"
        for section, name in _SETTING.findall(text_of(ROOT / "oracle" / "config.py"))
    }
    described = set()
    for row in re.findall(r"^\| (`\w+\.\w[^|]*) \|", text_of(ROOT / "docs" / "operations.md"), re.MULTILINE):
        first, *more = re.findall(r"`([\w.]+)`", row)
        described |= {first, *(first.rpartition(".")[0] + name for name in more)}
    polled = {"feeds.poll.device", "feeds.poll.url", "feeds.poll.every_s"}  # in the row of `feeds.poll`
    assert settings - polled == described


def test_every_problem_of_a_node_has_its_row_for_operators() -> None:
    reasons = text_of(ROOT / "docs" / "reasons.md").split("\n## ")[1]
    names = set(re.findall(r"^\| `([\w-]+)` \|", reasons, re.MULTILINE))
    operations = text_of(ROOT / "docs" / "operations.md")
    assert names
    assert {name for name in names if f"| `{name}` |" not in operations} == set()


def test_no_file_names_a_package_registry_or_a_path_of_one_machine() -> None:
    found = []
    for path in tracked():
        page = text_of(path)
        found += [f"{path.relative_to(ROOT)}: {host}" for host in HOSTS if host in page]
        found += [f"{path.relative_to(ROOT)}: {hit}" for hit in MACHINE_PATH.findall(page)]
    assert found == []


def test_every_feature_of_the_seeds_has_its_place_and_its_test() -> None:
    rows = re.findall(r"^\| (\d{3}) \| (.*) \|$", text_of(ROOT / "contracts" / "README.md"), re.MULTILINE)
    assert {seed for seed, _ in rows} == {"000", "001", "002", "003", "004"}
    for seed, row in rows:
        cells = re.split(r" \| ", row)
        assert len(cells) == 3, row
        assert all(cell.strip() for cell in cells), row
        assert re.search(r"\]\(tests/[\w-]+\.test\.ts\)", cells[2]), row
        assert (ROOT / "examples" / f"story_{seed}.py").exists()
