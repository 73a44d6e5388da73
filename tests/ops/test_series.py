"""`python -m ops drill-series`: what it runs, what it keeps, and what it makes of the figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from breakwater_drills import DRILLS, Result, Timing, distribution, timeline
from breakwater_drills.distribution import Figures
from breakwater_drills.errors import DrillError
from drills_testing.clock import SimulatedClock
from drills_testing.fakes import EMULATOR, FakeDrill, Store, target
from ops import drill, figures, outputs, series
from ops.__main__ import main
from ops.figures import BEGIN, END
from ops.series import PARTS, Part
from stacks import profiles
from stacks.settings import Settings, load_settings
from tests.assembly import ROOT

FAILOVER = Part("failover", "", 3, together={"failed requests": 5})
ROTATION = Part("rotation", "", 1, each={"tasks": 2.0}, setting="database.task_login=secret")


def settings_with(**database: Any) -> Settings:
    settings = load_settings(profiles.PROFILES["dev"])
    return settings.model_copy(update={"database": settings.database.model_copy(update=database)})


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Store:
    """Let a series of two drills break this store, in an embedded AWS of this test."""
    monkeypatch.chdir(tmp_path)
    made = Store()

    class Local(FakeDrill):
        def __init__(self, on: Any, run: str, **options: Any) -> None:
            super().__init__(made, on, run, SimulatedClock(), **options)

        parts_emulated: ClassVar[dict[str, str]] = {"store": "this machine"}

    monkeypatch.setattr(series, "PARTS", (FAILOVER, ROTATION))
    for part in (FAILOVER, ROTATION):
        monkeypatch.setitem(DRILLS, part.name, type("Named", (Local,), {"name": part.name}))
    monkeypatch.setattr(drill, "find", lambda *_: target(endpoint=EMULATOR))
    monkeypatch.setattr(series, "connect", lambda *_: None)
    monkeypatch.setattr(outputs, "deployed", lambda *_: {})
    monkeypatch.setattr(series, "deployed_settings", lambda _: settings_with(task_login="secret"))
    monkeypatch.setattr(timeline, "draw", lambda path, *_: path.write_bytes(b"PNG"))
    return made


def run(*words: str) -> int:
    return main(["drill-series", "--yes", *words])


def done(label: str) -> list[dict[str, Any]]:
    file = Path("evidence/series") / f"{label}.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def kept(label: str, *failed: int, misses: Sequence[str] = (), **values: float | None) -> None:
    """Keep a run for each number of failed requests."""
    folder = Path("evidence/series")
    folder.mkdir(parents=True, exist_ok=True)
    figures = [
        Figures(
            label,
            f"run{number}",
            0.0,
            True,
            100,
            {"failed requests": each, "RTO": 1.0, "slowest request": 0.5, "lost writes": 0, **values},
        )
        for number, each in enumerate(failed, start=1)
    ]
    lines = [json.dumps({"figures": each.__dict__, "misses": list(misses)}) for each in figures]
    (folder / f"{label}.jsonl").write_text("".join(f"{line}\n" for line in lines))


def test_every_part_runs_as_often_as_it_says_and_only_once(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    kept("rotation", 0, tasks=1.0)
    assert run("--record", "figures.json") == 0
    told = capsys.readouterr().out
    assert [f"failover: run {number} of 3" in told for number in (1, 2, 3, 4)] == [True, True, True, False]
    assert "rotation: run" not in told
    assert (len(done("failover")), len(done("rotation")), len(store.removed)) == (3, 1, 3)
    assert [each["misses"] for each in done("failover")] == [[]] * 3
    assert {each["figures"]["run"] for each in done("failover")} == {
        place.name.rpartition("-")[2] for place in Path("evidence/series").iterdir() if place.is_dir()
    }
    figures = json.loads(Path("figures.json").read_text())
    assert {name: len(each["runs"]) for name, each in figures.items()} == {"failover": 3, "rotation": 1}
    assert run() == 0
    assert len(store.removed) == 3, "what is done is not repeated"
    assert run("--only", "failover", "--again") == 0
    assert len(store.removed) == 6
    assert len(done("failover")) == 3


def test_what_was_interrupted_goes_on(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    kept("failover", 0, 0)
    assert run("--without", "rotation") == 0
    assert "failover: run 3 of 3" in capsys.readouterr().out
    assert (len(store.removed), len(done("failover"))) == (1, 3)


def test_the_requests_are_fifty_a_second_and_a_run_is_short(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, float, Timing]] = []
    once = drill.one_run

    def one_run(made: Any, timing: Timing, *more: Any) -> Result:
        asked.append((made.how, round(made.traffic._per_second), timing))
        return once(made, timing, *more)

    monkeypatch.setattr(drill, "one_run", one_run)
    assert run("--only", "rotation") == 1, "a fake drill does not tell when all tasks were there again"
    assert asked == [("", 50, Timing(before=2.0, after=4.0))]
    assert store.removed


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("failed", "tasks", "told"),
    [
        ((2, 3, 0), 2.0, []),
        ((2, 3, 1), 2.0, ["failover: failed requests 6 in all runs together, at most 5 is allowed"]),
        ((0, 0, 0), 2.1, ["rotation, run run1: tasks 2.1, at most 2 is allowed"]),
        ((0, 0, 0), None, ["rotation, run run1: tasks unknown, at most 2 is allowed"]),
    ],
)
def test_the_limits_of_the_release_are_those_of_each_run_and_of_all_together(
    failed: tuple[int, ...], tasks: float | None, told: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    kept("failover", *failed)
    kept("rotation", 0, tasks=tasks)
    assert run("--record", "figures.json") == bool(told)
    assert capsys.readouterr().err.splitlines() == [f"error: {line}" for line in told]
    assert Path("figures.json").exists() is (not told)


@pytest.mark.usefixtures("store")
def test_a_miss_of_one_run_is_told_and_nothing_is_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    kept("failover", 0, 0, 0, misses=["money is not conserved"])
    kept("rotation", 0, tasks=1.0)
    assert run("--record", "figures.json") == 1
    assert capsys.readouterr().err.splitlines() == [
        f"error: failover, run run{number}: money is not conserved" for number in (1, 2, 3)
    ]
    assert not Path("figures.json").exists()


def test_what_is_missed_by_a_run_is_kept_with_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.heals_after = 25  # polls of 0.05 s
    monkeypatch.setattr(FakeDrill, "timeout_seconds", 5.0)
    monkeypatch.setattr(drill, "find", lambda *_: target(endpoint=EMULATOR, rto=1))
    assert run("--without", "rotation") == 1
    assert ["RTO 1." in each["misses"][0] for each in done("failover")] == [True] * 3


def test_a_drill_that_cannot_begin_ends_its_part_and_not_the_series(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(self: FakeDrill) -> None:
        if self.name == "failover":
            raise DrillError("no writer")

    monkeypatch.setattr(FakeDrill, "prepare", refuse)
    assert run() == 1
    assert capsys.readouterr().err.splitlines()[:2] == [
        "error: failover: no writer",
        "error: failover: 0 of 3 runs are done; the same command does the others",
    ]
    assert (len(done("failover")), len(done("rotation"))) == (0, 1)
    assert store.rows


def test_after_its_time_no_run_begins(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = iter([0.0, 59.0, 61.0])
    monkeypatch.setattr(series, "monotonic", lambda: next(now))
    assert run("--without", "rotation", "--minutes", "1") == 1
    told = "error: failover: 1 of 3 runs are done; the same command does the others\n"
    assert capsys.readouterr().err == told
    assert len(store.removed) == 1


@pytest.mark.usefixtures("store")
def test_the_figures_are_compared_with_those_of_the_release_before(capsys: pytest.CaptureFixture[str]) -> None:
    kept("failover", 0, 0, 0)
    kept("rotation", 0, tasks=0.5)
    assert run("--record", "before.json") == 0
    kept("rotation", 0, tasks=1.9)
    assert run("--against", "before.json", "--record", "now.json") == 1
    assert capsys.readouterr().err.splitlines()[0] == (
        "error: rotation, worse than before: tasks, p50: 1.9 s, was 0.5, at most 1 is allowed"
    )
    assert not Path("now.json").exists()
    assert run("--against", "none.json") == 1
    assert capsys.readouterr().err.startswith("error: the figures in none.json cannot be read: ")


@pytest.mark.usefixtures("store")
def test_the_recorded_figures_are_written_into_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    kept("failover", 0, 3, 1)
    kept("rotation", 0, tasks=1.0)
    page = Path("page.md")
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    assert run("--record", "figures.json", "--page", "page.md") == 0
    assert page.read_text() == (
        f"before\n{BEGIN}\n\n"
        "| Drill | Runs | Requests | Failed | Slowest request: p50 / p99 / max | RTO: p50 / p99 / max | Lost |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n"
        "| failover | 3 | 300 | 4 | 500 ms / 500 ms / 500 ms | 1.00 s / 1.00 s / 1.00 s | 0 |\n"
        "| rotation | 1 | 100 | 0 | 500 ms / 500 ms / 500 ms | 1.00 s / 1.00 s / 1.00 s | 0 |\n"
        f"\n{END}\nafter\n"
    )
    page.write_text(f"{BEGIN}\n")
    assert run("--record", "figures.json", "--page", "page.md") == 1
    assert capsys.readouterr().err == f"error: page.md lacks the lines {BEGIN} and {END}, where the figures belong\n"


def test_a_drill_that_would_prove_nothing_is_refused_before_anything_is_broken(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(series, "deployed_settings", lambda _: settings_with(task_login="iam"))
    assert run() == 1
    assert capsys.readouterr().err == (
        "error: rotation proves nothing without database.task_login=secret: deploy it with "
        "`-c database.task_login=secret`, or leave the drill out with --without rotation. Nothing was broken\n"
    )
    assert not store.rows
    assert run("--without", "rotation") == 0


def test_an_account_gets_no_series_of_faults(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(drill, "find", lambda *_: target())
    assert run() == 1
    assert capsys.readouterr().err == (
        "error: Breakwater-x1 is in an account: a series is for the embedded AWS; use `ops drill --runs N`. "
        "Nothing was broken\n"
    )
    assert not store.rows


def test_without_yes_the_name_of_the_stack_confirms(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["drill-series"]) == 1
    assert capsys.readouterr().err == "error: there is no terminal to confirm on: add --yes\n"
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _prompt: "Breakwater-x1")
    assert not store.rows
    assert main(["drill-series", "--without", "rotation"]) == 0


def test_the_series_of_a_release_is_what_the_project_promises() -> None:
    parts = {part.label: part for part in PARTS}
    assert {label: part.runs for label, part in parts.items() if part.runs >= 5} == {
        "failover": 20, "task-loss-kill": 20, "task-loss-stop": 20, "task-loss-hang": 5, "zone-loss": 10, "rotation": 5,
    }  # fmt: skip
    assert {label for label in parts if label.startswith("bad-")} == {
        f"bad-deployment-{how}" for how in DRILLS["bad-deployment"].hows
    }
    assert (parts["failover"].together, parts["task-loss-kill"].each) == ({"failed requests": 5}, {"desired tasks": 3})
    settings = load_settings(profiles.PROFILES["dev"])
    needs = [part.setting for part in PARTS if part.setting]
    assert needs == ["compute.deployment_alarms=true", "database.task_login=secret"]
    assert [series.has(settings, each) for each in (*needs, "", "database.task_login=iam")] == [
        False,
        False,
        True,
        True,
    ]
    assert all(part.how in (DRILLS[part.name].hows or ("",)) for part in PARTS)


def test_the_committed_page_shows_the_recorded_figures() -> None:
    _, _, rest = (ROOT / "docs" / "recovery.md").read_text(encoding="utf-8").partition(BEGIN)
    shown, end, _ = rest.partition(END)
    assert end
    assert shown.strip() == "\n".join(figures.table(distribution.read(ROOT / "docs" / "drill-figures.json")))
