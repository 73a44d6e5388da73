"""A run from its first heartbeat to its evidence, against a store that a test breaks."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from rich.console import Console

from ops.drill import evidence, report
from ops.drill.measure import Loss, Sample
from ops.drill.run import Result, Timing, run
from ops.errors import OpsError
from tests.ops.drill.fakes import FakeDrill, Store, target

TIMING = Timing(before=0.3, after=0.4)
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=120)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture(scope="module")
def run_of_outage() -> tuple[Result, str]:
    """Return one run with an outage, for all tests that only look at it, and what it printed."""
    store, console = Store(), Console(file=io.StringIO(), width=120)
    store.heals_after = 6
    return run(FakeDrill(store, target()), TIMING, console), shown(console)


@pytest.fixture
def outage(run_of_outage: tuple[Result, str]) -> Result:
    return run_of_outage[0]


def test_an_outage_is_detected_timed_and_over(outage: Result) -> None:
    (found,) = outage.recoveries
    assert found.errors > 0
    assert found.detection_seconds is not None
    assert 0 <= found.detection_seconds < 0.25
    assert outage.rto_seconds is not None
    assert 0.3 <= outage.rto_seconds < 1
    assert [event.what for event in outage.events] == ["fault: fake", "healed"]


def test_what_was_acknowledged_is_counted_and_compared(outage: Result) -> None:
    (kept,) = outage.losses
    assert kept.acknowledged == sum(sample.ok for sample in outage.samples) > 0
    assert (outage.lost, outage.rpo_seconds) == (0, 0.0)


def test_a_lost_write_is_told(console: Console) -> None:
    class Forgetful(FakeDrill):
        def inject(self) -> None:
            self.store.rows.discard(max(self.store.rows))

    found = run(Forgetful(Store(), target()), TIMING, console)
    assert found.lost == 1
    assert 0 < found.rpo_seconds < 1
    assert found.misses(300, 0.001) == [f"RPO {found.rpo_seconds:.1f} s, the objective is 0.001 s"]


def test_what_does_not_heal_in_time_misses_whatever_was_promised(console: Console) -> None:
    store = Store()
    store.heals_after = 1000
    found = run(FakeDrill(store, target()), TIMING, console)
    assert found.rto_seconds is None
    assert not found.restored
    assert found.misses(10_000, 10_000) == ["not everything recovered while the drill watched"]
    assert store.removed == ["the thing"]


def test_what_cannot_be_read_back_is_evidence_too(console: Console, tmp_path: Path) -> None:
    class Gone(FakeDrill):
        def losses(self, samples: Sequence[Sample]) -> list[Loss]:
            assert samples
            raise EndpointConnectionError(endpoint_url="http://nowhere")

    found = run(Gone(Store(), target()), TIMING, console)
    assert found.losses == []
    (missed,) = found.misses(300, 300)
    assert missed.startswith("RPO unknown, the stores cannot be read: ")
    console.print(report.table(found, target()))
    assert shown(console).count("unknown") == 2
    place = evidence.write(tmp_path, found, target())
    told = json.loads((place / "report.json").read_text())
    assert (told["met"], told["measured"]["rpo_seconds"]) == (False, None)
    assert "| RPO | 300 s | unknown | **no** |" in (place / "report.md").read_text()


def test_events_are_told_as_they_happen(run_of_outage: tuple[Result, str]) -> None:
    assert "healed" in run_of_outage[1]


def test_a_slow_recovery_misses(outage: Result) -> None:
    assert outage.misses(300, 300) == []
    assert outage.misses(0.1, 300) == [f"RTO {outage.rto_seconds:.1f} s, the objective is 0.1 s"]


def test_what_is_broken_already_is_not_broken_on_purpose(console: Console) -> None:
    store = Store()
    store.broken = True
    with pytest.raises(OpsError, match=r"(\d+) of \1 requests failed before the fault.*ConnectionError"):
        run(FakeDrill(store, target()), Timing(0.28, 0.1), console)
    assert store.removed == ["the thing"]


@pytest.mark.parametrize("broken_off", [KeyboardInterrupt, OpsError("no")])
def test_a_drill_that_is_cut_off_cleans_up_and_says_what_state_remains(
    console: Console, broken_off: BaseException | type[BaseException]
) -> None:
    class CutOff(FakeDrill):
        def inject(self) -> None:
            raise broken_off

    store = Store()
    with pytest.raises(broken_off if isinstance(broken_off, type) else type(broken_off)):
        run(CutOff(store, target()), TIMING, console)
    assert store.removed == ["the thing"]
    assert "state: the store is empty" in shown(console)


def test_what_the_fault_is_not_meant_to_touch_is_told_and_not_judged(outage: Result) -> None:
    (found,) = outage.recoveries
    copy = dataclasses.replace(found, name="copy", rto_seconds=0.2)
    told = dataclasses.replace(outage, recoveries=[copy, dataclasses.replace(found, rto_seconds=900.0, judged=False)])
    assert told.rto_seconds == 0.2
    assert "not judged" in "\n".join(evidence.as_markdown(told, target()))


def test_what_aws_refuses_is_one_line(console: Console) -> None:
    class Refused(FakeDrill):
        def inject(self) -> None:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "FailoverDBCluster")

    with pytest.raises(OpsError, match=r"^the drill was interrupted: .*AccessDenied.*not you$"):
        run(Refused(Store(), target()), TIMING, console)


def test_what_cannot_be_removed_is_told(console: Console) -> None:
    class Sticky(FakeDrill):
        def _remove(self) -> None:
            raise ClientError({"Error": {"Code": "Throttled", "Message": "later"}}, "DeleteTable")

    found = run(Sticky(Store(), target()), TIMING, console)
    assert len(found.not_removed) == 1
    assert found.not_removed[0].startswith("the thing: ")
    assert "later" in found.not_removed[0]


def test_an_error_that_no_probe_is_meant_to_raise_is_not_swallowed(console: Console) -> None:
    class Wrong(Store):
        def write(self, number: int) -> None:
            raise TypeError(str(number))

    with pytest.raises(TypeError):
        run(FakeDrill(Wrong(), target()), TIMING, console)


def test_the_evidence_is_complete_checksummed_and_says_what_is_missed(outage: Result, tmp_path: Path) -> None:
    hard = target(**{"recovery.rto_seconds": "1", "recovery.rpo_seconds": "1"})
    place = evidence.write(tmp_path, outage, hard)
    assert {path.name for path in place.iterdir()} == {"report.json", "report.md", "timeline.png", "SHA256SUMS"}
    for line in (place / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((place / name).read_bytes()).hexdigest() == digest
    told = json.loads((place / "report.json").read_text())
    assert told["met"] is True
    assert told["objectives"] == {"rto_seconds": 1, "rpo_seconds": 1}
    assert told["measured"]["rto_seconds"] == outage.rto_seconds
    assert len(told["samples"]) == len(outage.samples)
    assert (place / "timeline.png").read_bytes().startswith(PNG)


def test_the_report_of_a_miss_says_so_in_words(outage: Result) -> None:
    hard = target(**{"recovery.rto_seconds": "1"})
    slow = dataclasses.replace(outage, restored=False)
    text = "\n".join(evidence.as_markdown(slow, hard))
    assert "| RTO | 1 s | not recovered | **no** |" in text
    assert "| RPO | 300 s | 0.0 s | yes |" in text
    assert "**Missed:** not everything recovered" in text
    assert "| store | AWS |" in text
    assert "Sign-off" in text


def test_tables_show_the_objective_and_the_sum(outage: Result, console: Console) -> None:
    console.print(report.table(outage, target()))
    console.print(report.summary([outage, outage], target()))
    text = shown(console)
    assert "300 s" in text
    assert f"{outage.rto_seconds:.2f} s" in text
    assert str(2 * outage.losses[0].acknowledged) in text


def test_a_drill_that_is_cut_off_says_what_remains_even_when_nothing_answers(console: Console) -> None:
    class Deaf(FakeDrill):
        def inject(self) -> None:
            raise KeyboardInterrupt

        def _remove(self) -> None:
            raise EndpointConnectionError(endpoint_url="http://nowhere")

        def state(self) -> str:
            raise EndpointConnectionError(endpoint_url="http://nowhere")

    with pytest.raises(KeyboardInterrupt):
        run(Deaf(Store(), target()), TIMING, console)
    assert "remains: the thing: " in shown(console)
    assert "state: unknown (" in shown(console)


def test_the_report_names_what_could_not_be_removed(outage: Result) -> None:
    told = dataclasses.replace(outage, not_removed=["cluster drill-1: denied"])
    assert "## Not removed\n\n- cluster drill-1: denied" in "\n".join(evidence.as_markdown(told, target()))
