"""`python -m ops drill`: whom it asks, whom it refuses, how it ends."""

from __future__ import annotations

import errno
import re
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from boto3.session import Session
from botocore.exceptions import ClientError

from breakwater_drills import DRILLS, timeline
from drills_testing.clock import SimulatedClock
from drills_testing.fakes import CLUSTER_ARN, FakeDrill, Store, target
from embedded_aws.emulator import Emulator, Running
from ops import drill as command
from ops import outputs
from ops.__main__ import main
from ops.drill import find
from ops.errors import OpsError
from ops.local.workspace import Workspace
from stacks import profiles
from stacks.settings import Settings, load_settings


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Store:
    """Replace the failover drill by one that breaks this store."""
    monkeypatch.chdir(tmp_path)
    made = Store()

    class Local(FakeDrill):
        def __init__(self, on: Any, run: str, **options: Any) -> None:
            super().__init__(made, on, run, SimulatedClock(), **options)

    monkeypatch.setitem(DRILLS, "failover", Local)
    monkeypatch.setattr(command, "find", lambda *_: target())
    # test_evidence draws a picture; here it would only take time.
    monkeypatch.setattr(timeline, "draw", lambda path, *_: path.write_bytes(b"PNG"))
    return made


def drill(*words: str) -> int:
    return main(["drill", "failover", *words])


def test_with_yes_it_runs_and_leaves_evidence(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert drill("--yes") == 0
    (place,) = [each for each in (tmp_path / "evidence").iterdir() if each.is_dir()]
    assert f'href="{place.name}/report.html"' in (tmp_path / "evidence" / "index.html").read_text()
    assert place.name in capsys.readouterr().out
    assert store.removed


def test_it_runs_as_often_as_asked(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert drill("--yes", "--runs", "2", "--out", "proof") == 0
    assert len([each for each in (tmp_path / "proof").iterdir() if each.is_dir()]) == 3
    assert "2 runs" in capsys.readouterr().out
    assert len(store.removed) == 2


def test_the_figures_of_several_runs_are_kept_and_compared_with_those_of_before(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drill("--yes", "--runs", "2", "--record", "figures.json") == 0
    told = capsys.readouterr().out
    assert re.search(r"Distribution: evidence/fake-\S+-2-runs/distribution\.json\n", told)
    assert drill("--yes", "--runs", "2", "--against", "figures.json") == 0
    store.heals_after = 12  # polls of 0.05 s
    assert drill("--yes", "--against", "figures.json", "--record", "worse.json") == 1
    told = capsys.readouterr().err
    assert re.match(r"error: worse than before: RTO, p50: 0\.\d+ s, was 0, at most 0\.25 is allowed\n", told)
    assert not (tmp_path / "worse.json").exists(), "what is worse is not the new measure"
    broken = len(store.removed)
    assert drill("--yes", "--against", "none.json") == 1
    assert capsys.readouterr().err.startswith("error: the figures in none.json cannot be read: ")
    (tmp_path / "empty.json").write_text("{}")
    assert drill("--yes", "--against", "empty.json") == 1
    assert "empty.json has no figures of fake" in capsys.readouterr().err
    assert len(store.removed) == broken, "nothing is broken before the figures are there"


@pytest.mark.usefixtures("store")
def test_a_way_that_the_drill_does_not_have_is_refused_before_anybody_is_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert drill("--how", "melt") == 1
    told = capsys.readouterr()
    assert told.err == "error: --how melt is nothing that the drill fake can do: it has only one way\n"
    assert told.out == ""


def test_nobody_there_to_confirm_is_a_refusal(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert drill() == 1
    told = capsys.readouterr()
    assert "This will break a store of a test: stack Breakwater-x1 in eu-central-1" in told.out
    assert told.err == "error: there is no terminal to confirm on: add --yes\n"
    assert not store.rows


@pytest.mark.parametrize(("answer", "code"), [("Breakwater-x1", 0), ("yes", 1), ("", 1)])
def test_the_name_of_the_stack_confirms(store: Store, monkeypatch: pytest.MonkeyPatch, answer: str, code: int) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _prompt: answer)
    assert drill() == code
    assert bool(store.rows) is (code == 0)


def test_without_matplotlib_nothing_is_broken(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "find_spec", lambda _: None)
    assert drill("--yes") == 1
    assert capsys.readouterr().err.startswith(
        "error: matplotlib, which draws the timeline of a drill, is not installed"
    )
    assert not store.rows


def test_prod_needs_a_word_of_its_own(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "find", lambda *_: target("prod"))
    assert drill("--yes") == 1
    assert capsys.readouterr().err == "error: Breakwater-x1 is prod: add --allow-prod if you mean it\n"
    assert not store.rows
    assert drill("--yes", "--allow-prod") == 0


def test_a_missed_objective_ends_with_1(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store.heals_after = 25  # polls of 0.05 s, more than a second
    monkeypatch.setattr(FakeDrill, "timeout_seconds", 5.0)
    monkeypatch.setattr(command, "find", lambda *_: target(rto=1))
    assert drill("--yes", "--runs", "2") == 1
    first, second = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"error: run [0-9a-f]{8}: RTO 1\.\d\d s, the objective is 1 s", first)
    assert re.fullmatch(r"error: run [0-9a-f]{8}: RTO 1\.\d\d s, the objective is 1 s", second)
    assert first != second


@pytest.mark.parametrize(
    "words",
    [("--before", "0"), ("--after", "x"), ("--runs", "0"), ("--runs", "many"), ("--rate", "0"), ("--rate", "201")],
)
def test_a_wrong_number_is_refused(words: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["drill", "failover", *words])
    assert ended.value.code == 2
    assert f"{words[1]!r} is not a number" in capsys.readouterr().err


@pytest.mark.usefixtures("store")
def test_what_could_not_be_removed_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_self: FakeDrill) -> str:
        raise ClientError({"Error": {"Code": "Denied", "Message": "no"}}, "DeleteTable")

    monkeypatch.setattr(FakeDrill, "_remove", refuse)
    assert drill("--yes") == 1
    assert "not removed: the thing: " in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_broken(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("a file")
    assert drill("--yes", "--out", "taken/evidence") == 1
    told = "error: no evidence can be written to taken/evidence: Not a directory; name another folder\n"
    assert capsys.readouterr().err == told
    assert not store.rows


def test_evidence_that_cannot_be_written_after_all_is_one_line_below_the_result(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(timeline, "draw", full)
    assert drill("--yes") == 1
    told = capsys.readouterr()
    assert "objective" in told.out
    assert re.fullmatch(r"error: the evidence cannot be written to evidence/\S+: No space left on device\n", told.err)
    assert store.removed


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_ends_the_drill_after_it_has_cleaned_up(
    store: Store, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int
) -> None:
    before = signal.getsignal(number)
    monkeypatch.setattr(FakeDrill, "inject", lambda _: signal.raise_signal(number))
    if number == signal.SIGINT:
        assert drill("--yes") == code
    else:
        with pytest.raises(SystemExit) as ended:
            drill("--yes")
        assert ended.value.code == code
    assert store.removed == ["the thing"]
    assert signal.getsignal(number) == before


DEPLOYED = {
    "EnvironmentName": "dev", "Suffix": "x1", "Region": "eu-central-1",
    "DatabaseClusterIdentifier": "dr-aurora-x1", "DatabaseClusterArn": CLUSTER_ARN,
    "DatabaseSecretArn": "arn:the-secret", "DatabaseName": "app", "TableName": "dr-transactions-x1",
    "LoadBalancerDnsName": "127.0.0.1:4567",
    "EcsClusterName": "ecs", "EcsServiceName": "service", "TargetGroupArn": "arn:targets",
    "ServiceUrl": "http://127.0.0.1:1",
}  # fmt: skip


def settings_of(image: str) -> Settings:
    """Return the settings of dev with another image."""
    settings = load_settings(profiles.PROFILES["dev"])
    return settings.model_copy(update={"compute": settings.compute.model_copy(update={"image": image})})


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Workspace:
    """Let CloudFormation know one stack, and return a checkout without an embedded AWS."""
    monkeypatch.setattr(outputs, "deployed", lambda *_: DEPLOYED)
    return Workspace(state=tmp_path)


def test_the_outputs_of_the_stack_say_what_to_break_and_its_settings_what_is_promised(
    deployed: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BREAKWATER_CONTEXT", "recovery.rto_seconds=77 storage.ttl_attribute=until")
    found = find(None, None, deployed)
    expected = target(rto=77)
    assert replace(found, new_client=expected.new_client) == replace(
        expected,
        table=replace(expected.table, expiry="until"),
        service=replace(expected.service, transfers=found.service.transfers),  # of the image, see below
        zone_experiment="Breakwater-x1 ZoneLoss",
    )


@pytest.mark.parametrize(("image", "transfers"), [("service", True), ("nginx:1", False)])
def test_the_reference_service_must_make_transfers(
    deployed: Workspace, monkeypatch: pytest.MonkeyPatch, image: str, transfers: bool
) -> None:
    monkeypatch.setattr(command, "deployed_settings", lambda _: settings_of(image))
    assert find(None, None, deployed).service.transfers is transfers


def test_without_credentials_it_takes_the_embedded_aws_that_runs_here(
    deployed: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, "get_credentials", lambda _: None)
    monkeypatch.setattr(Emulator, "running", lambda _: Running(pid=1, port=4999, key="k"))
    found = find(None, None, deployed)
    assert found.client("rds").meta.endpoint_url == "http://127.0.0.1:4999"
    assert found.probe_client("rds").meta.endpoint_url == "http://127.0.0.1:4999"
    assert found.emulated
    service = found.service
    assert (service.connect_to, service.authority) == ("127.0.0.1:4567", str(deployed.state / "authority.pem"))


@pytest.mark.parametrize(
    ("context", "said"),
    [
        (
            "recovery.rto_seconds=soon",
            r'rto_seconds = "soon" cannot be used: .* repeat it in BREAKWATER_CONTEXT',
        ),
        ("recovery.rto_seconds", r"BREAKWATER_CONTEXT recovery\.rto_seconds: expected key=value"),
    ],
)
def test_a_wrong_setting_is_one_line(
    deployed: Workspace, monkeypatch: pytest.MonkeyPatch, context: str, said: str
) -> None:
    monkeypatch.setenv("BREAKWATER_CONTEXT", context)
    with pytest.raises(OpsError, match=said):
        find(None, None, deployed)
