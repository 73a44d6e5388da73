"""What `python -m ops drill` prints of one run, and of several."""

from __future__ import annotations

import dataclasses
import io

import pytest
from rich.console import Console

from breakwater_drills import Result, run
from breakwater_drills.measure import unknown
from drills_testing.clock import SimulatedClock
from drills_testing.fakes import TIMING, FakeDrill, Store, target
from ops import drill as command


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=120)


@pytest.fixture(scope="module")
def outage() -> Result:
    """Return a run with an outage."""
    store = Store()
    store.heals_after = 6
    return run(FakeDrill(store, target(), clock=SimulatedClock()), TIMING)


def shown(console: Console) -> str:
    """Return what was printed."""
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_tables_show_the_objective_and_the_sum(outage: Result, console: Console) -> None:
    console.print(command._table(outage, target()))
    console.print(command._summary([outage, outage], target()))
    text = shown(console)
    assert "300 s" in text
    assert f"{outage.rto_seconds:.2f} s" in text
    assert str(2 * outage.losses[0].acknowledged) in text
    assert f"worst {outage.rto_seconds:.2f} s" in text
    assert "worst 0.00 s" in text


def test_the_summary_does_not_pass_over_the_run_that_never_came_back(outage: Result, console: Console) -> None:
    lost = dataclasses.replace(outage.losses[0], lost=4, rpo_seconds=1.5, at_least=True)
    slow = dataclasses.replace(outage, recoveries=[dataclasses.replace(outage.recoveries[0], rto_seconds=9.0)])
    console.print(command._summary([outage, dataclasses.replace(outage, losses=[lost]), slow], target()))
    assert "worst 9.00 s" in shown(console)
    assert "worst at least 1.50 s" in shown(console)
    console.print(command._summary([outage, dataclasses.replace(outage, restored=False), slow], target()))
    assert "worst not recovered in 1 of 3" in shown(console)
    assert "unknown" not in shown(console)


def test_what_could_not_be_compared_is_unknown(outage: Result, console: Console) -> None:
    found = dataclasses.replace(outage, losses=[*outage.losses, unknown("copy", outage.samples, "nowhere")])
    console.print(command._table(found, target()))
    assert shown(console).count("unknown") == 4
    console.print(command._summary([found, found], target()))
    assert "worst unknown in 2 of 2" in shown(console)
    assert "0 known" in shown(console)
