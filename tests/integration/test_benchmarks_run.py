"""Every benchmark runs and has something to say. What it says of time is not judged here."""

import pytest

from benchmarks import agreement
from benchmarks.__main__ import QUICK, benchmarks, main
from benchmarks.table import Table


def test_four_real_nodes_settle_windows_and_their_cryptography_is_counted() -> None:
    table = benchmarks(QUICK)["agreement"]()
    rows = {name.strip(): cells for name, *cells in table.rows}
    assert rows["windows x nodes measured"] == ["2 x 4"]
    assert rows["close to certificate, p50"][0].endswith(" ms")
    # One proposal, four prevotes and four commits a window; each is recovered by all four.
    assert float(rows["signatures"][0].split()[0]) >= 9
    assert float(rows["recoveries"][0].split()[0]) >= 27
    assert float(rows["combinations"][0].split()[0]) >= 4


@pytest.mark.parametrize("name", [name for name in benchmarks(QUICK) if name != "agreement"])
def test_benchmark_gives_a_table(name: str) -> None:
    table = benchmarks(QUICK)[name]()
    assert table.rows
    assert all(len(row) == len(table.header) for row in table.rows)
    assert any("yardstick" in cell for row in (table.header, *table.rows) for cell in row)


def test_command_prints_what_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--quick", "window_close"])
    printed = capsys.readouterr().out
    assert "Closing a window" in printed
    assert "Auditing" not in printed


def test_command_refuses_a_benchmark_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--quick", "of_nothing"])
    assert "of_nothing" in capsys.readouterr().err


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(value) for value in range(1, 101)]
    assert agreement.percentile(values, 0.5) == 50
    assert agreement.percentile(values, 0.99) == 99
    assert agreement.percentile([7.0], 0.99) == 7


def test_table_stands_in_columns() -> None:
    text = Table("of two", ("what", "n"), (("a", "1"), ("longer", "22")), ("a note",)).text()
    assert text.splitlines() == [
        "of two",
        "",
        "what     n",
        "------  --",
        "a        1",
        "longer  22",
        "  a note",
    ]
