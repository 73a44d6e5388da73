"""The command: what it prints and writes, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ops import __main__ as ops
from ops.estimate import cli
from tests.assembly import Assembly


def _main(deployment: Assembly, *words: str) -> int:
    settings = deployment.settings
    given = (f"environment={settings.environment}", f"suffix={settings.suffix}", f"region={settings.region}")
    return ops.main(
        ["estimate", "--assembly", str(deployment.folder), *(word for each in given for word in ("-c", each)), *words]
    )


def test_it_prints_the_bill_and_the_path_and_writes_both(
    dev: Assembly, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bill.json"
    assert _main(dev, "--json", str(file)) == 0
    shown = " ".join(capsys.readouterr().out.split())
    found = json.loads(file.read_text(encoding="utf-8"))
    total, path = found["total"], found["critical_path"]
    assert "Stack fixed 1/s 50/s 500/s" in shown
    assert "Total " + " ".join(f"{each:,.2f}" for each in total) in shown
    assert total[0] == pytest.approx(sum(row[0] for row in found["stacks"].values()))
    assert total[3] == pytest.approx(sum(row[3] for row in found["prices"].values()))
    assert found["prices_of"]["region"] == "us-east-1"
    assert found["unknown"] == {}
    assert f"Total with short steps {path['seconds'] / 60:.0f}" in shown
    assert f"Aurora takes {path['aurora_share']:.0%} of it." in shown
    assert path["seconds"] == sum(step["seconds"] for step in path["steps"])
    assert "500/s asks for more than compute.max_tasks" in shown
    assert "other prices" not in shown


def test_another_region_is_named(unusual: Assembly, capsys: pytest.CaptureFixture[str]) -> None:
    assert _main(unusual) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "ap-southeast-2 has other prices, often higher ones; those of us-east-1 are shown." in shown


def test_unknown_types_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    resources = {"Kafka": {"Type": "AWS::MSK::Cluster"}}
    (tmp_path / "only.template.json").write_text(json.dumps({"Resources": resources}), encoding="utf-8")
    assert ops.main(["estimate", "--assembly", str(tmp_path)]) == 0
    assert "Without a price, and in no sum: AWS::MSK::Cluster (1)." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-c", "environment"], "-c environment: expected key=value"),
        (["-c", "database.min_acu=0.3"], "database.min_acu = 0.3"),
        (["--assembly", "nowhere"], "nowhere"),
    ],
)
def test_a_broken_argument_is_one_line(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ops.main(["estimate", *words]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {told}")
    assert error.count("\n") == 1


def test_a_file_that_cannot_be_written_is_one_line(
    dev: Assembly, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _main(dev, "--json", str(tmp_path)) == 1
    assert capsys.readouterr().err == f"error: --json {tmp_path}: Is a directory\n"


def test_no_path_has_no_share() -> None:
    assert cli.aurora_share([]) == 0
