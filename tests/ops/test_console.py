"""Tables of the commands: no word is broken, and a number keeps its unit."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from breakwater_drills import Timing, distribution, run, summary
from drills_testing.clock import SimulatedClock
from drills_testing.fakes import FakeDrill, Store, Told, target
from ops import REPOSITORY, drill
from ops import __main__ as ops
from ops.console import new_table, print_table


def printed(table: object, width: int) -> str:
    """Return what a table is on a terminal of this width."""
    out = io.StringIO()
    print_table(Console(file=out, width=width), table)  # type: ignore[arg-type]
    return out.getvalue()


def test_a_table_breaks_no_word_and_no_number_from_its_unit() -> None:
    heads = ("Acknowledged", "Also found", "RPO")
    made = new_table("Runs", "What the drill has done", *heads, right=heads)
    made.add_row("unacknowledged transfers in the database", "12 of 1548", "[red]0[/red]", "at least 12.50 s")
    told = printed(made, 40)
    words = ("unacknowledged", "transfers", "12 of 1548", "at least 12.50 s", "Acknowledged", "Also found", "database")
    assert [word for word in words if word not in told] == []
    assert "unacknowledged transfers" not in told, "only text is wrapped"
    assert "unacknowledged transfers in the database " in printed(made, 120)


def test_no_name_is_broken_however_narrow_the_terminal_is() -> None:
    made = new_table("", "Name")
    made.add_row("x" * 100)
    assert re.findall("x+", printed(made, 60)) == ["x" * 100]
    wide = new_table("", "Type", *"abcdefgh", right=tuple("abcdefgh"))
    wide.add_row("ARCZonalShift::ZonalAutoshiftConfiguration", *(["1 of 4"] * 8))
    assert "ARCZonalShift::ZonalAutoshiftConfiguration " in printed(wide, 80)


def test_a_summary_of_usual_runs_fits_a_terminal_of_80_columns() -> None:
    outage = run(FakeDrill(Store(), target(), clock=SimulatedClock()), Timing(1.0, 1.0), Told())
    for each in (
        summary.of_run(outage, target()),
        summary.of_runs([outage] * 20, target()),
        summary.of_distribution(distribution.spreads([distribution.of(outage, target())])),
    ):
        lines = printed(drill.printed(each), 80).splitlines()
        assert max(map(len, lines)) <= 80
        assert len(lines) <= len(each.rows) + len(each.ends) + 6, "no cell takes two lines"


def test_the_version_is_that_of_the_last_release(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        ops.main(["--version"])
    assert ended.value.code == 0
    version = re.search(
        r'^version = "(.+)"$', (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert version
    assert capsys.readouterr().out == f"breakwater {version[1]}\n"
