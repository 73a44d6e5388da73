"""Pages that a program writes: current, complete, and true to what they are written from."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import botocore.session
import pytest

from ops.preflight.check import all_checks
from ops.preflight.checks.stack import CREATE_ONLY
from ops.preflight.deployed import CALLS
from scripts import costs_page, preflight_docs, settings_changes, settings_table
from scripts.preflight_docs import IDENTITY, POLICY, actions, policy
from stacks.profiles import PROFILES
from stacks.settings import Settings
from stacks.settings.fields import FIELDS
from stacks.settings.foundation import EgressMode
from stacks.settings.loader import ENVIRONMENTS
from tests.assembly import ROOT, assembly

SESSION = botocore.session.get_session()
READING = re.compile(r"(Describe|Get|List|BatchGet|Head)[A-Z]")
DECLARED = sorted({IDENTITY, *CALLS, *(call for check in all_checks().values() for call in check.calls)})


@pytest.mark.parametrize("call", DECLARED)
def test_every_operation_exists_and_only_reads(call: str) -> None:
    service, _, operation = call.partition(":")
    model = SESSION.get_service_model(service)
    assert operation in model.operation_names
    assert READING.match(operation)
    # What changes something is never sent by these two; POST is also how most services ask.
    assert model.operation_model(operation).http["method"] not in ("PUT", "DELETE", "PATCH")


def test_the_policy_allows_exactly_the_declared_calls() -> None:
    (statement,) = json.loads(policy())["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Action"] == actions()
    assert len(actions()) == len(DECLARED)
    assert not [action for action in actions() if "*" in action]


def test_the_committed_preflight_page_and_policy_are_fresh() -> None:
    assert preflight_docs.PAGE.read_text(encoding="utf-8") == preflight_docs.page()
    assert POLICY.read_text(encoding="utf-8") == policy()


def test_the_preflight_page_has_every_check() -> None:
    for name, check in all_checks().items():
        assert f"## {name}\n\n{check.title}.\n" in preflight_docs.page()


def test_the_preflight_page_and_policy_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(preflight_docs, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(preflight_docs, "POLICY", tmp_path / "policy.json")
    assert preflight_docs.main() == 0
    assert (tmp_path / "page.md").read_text() == preflight_docs.page()
    assert (tmp_path / "policy.json").read_text() == policy()
    assert "checks -> page.md, policy.json" in capsys.readouterr().out


ROW = re.compile(r"^\| `(?P<key>[a-z0-9_.]+)` \| (?P<rest>.*) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def rows() -> dict[str, list[str]]:
    """Cells after the key, by key."""
    return {
        found["key"]: re.split(r"(?<!\\) \| ", found["rest"])
        for found in ROW.finditer(settings_table.page(settings_table.committed()))
    }


def test_the_committed_settings_page_is_fresh() -> None:
    committed = settings_table.PAGE.read_text(encoding="utf-8")
    assert committed == settings_table.page(settings_table.committed()), (
        "run `python -m scripts.settings_table` and commit docs/settings.md"
    )


def test_every_setting_is_described_once_with_what_it_accepts(rows: dict[str, list[str]]) -> None:
    assert list(rows) == list(FIELDS)
    for key, (what, _after, accepts, *_) in rows.items():
        assert what.endswith("."), f"{key} needs a sentence under its attribute"
        assert accepts, key
        assert "pattern" not in accepts, key


def test_what_a_change_does_later_is_said_of_every_setting() -> None:
    """All that the page calls free is changed in one synthesis, and all that it calls otherwise in another."""
    said = settings_table.committed()
    assert set(said) == set(FIELDS)
    assert {key: said[key] for key in settings_changes.KNOWN} == settings_changes.KNOWN
    assert set(settings_changes.VALUES) | set(settings_changes.KNOWN) == set(FIELDS)
    free = [key for key in settings_changes.VALUES if said[key] == settings_changes.FREE]
    assert len(free) > 80
    assert settings_changes.changed_types(free) == frozenset()
    others = [key for key in settings_changes.VALUES if said[key] != settings_changes.FREE]
    types = {key: {f"AWS::{kind}" for kind in re.findall(r"`([\w:]+)`", said[key])} for key in others}
    assert {key: settings_changes.in_words(named) for key, named in types.items()} == {key: said[key] for key in others}
    named = set().union(*types.values())
    # Beside what is lost, the page does not name what else is replaced.
    changed = settings_changes.changed_types(others)
    assert {kind for kind in changed if kind in named or kind in CREATE_ONLY} == named
    assert said["network.cidr"] == "refused: would replace `EC2::Subnet`, `EC2::VPC` (PF-CFN-03)"


def test_the_checks_that_stop_a_change_are_checks() -> None:
    named = {check for words in settings_table.committed().values() for check in re.findall(r"PF-[A-Z]+-\d+", words)}
    assert {"PF-CFN-02", "PF-CFN-03", "PF-BACKUP-03", "PF-RDS-07"} == named
    assert named <= set(all_checks())


@pytest.mark.parametrize(
    ("types", "words"),
    [
        ([], "free"),
        (["AWS::EC2::SecurityGroup"], "replaces `EC2::SecurityGroup`"),
        (["AWS::S3::Bucket", "AWS::ECS::Service"], "refused: would replace `S3::Bucket` (PF-CFN-03)"),
    ],
)
def test_what_preflight_refuses_is_said_first(types: list[str], words: str) -> None:
    assert settings_changes.in_words(types) == words


def test_settings_are_told_apart_where_the_page_says_nothing_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[int]()

    def changed_types(keys: list[str]) -> frozenset[str]:
        asked.append(len(keys))
        return frozenset({"AWS::EC2::VPC"}) if "network.cidr" in keys else frozenset()

    monkeypatch.setattr(settings_changes, "changed_types", changed_types)
    found = settings_changes.consequences({})
    assert [key for key, words in found.items() if "EC2::VPC" in words] == ["network.cidr"]
    assert len(asked) < 20
    asked.clear()
    assert settings_changes.consequences(found) == found
    assert asked == [len(settings_changes.VALUES) - 1, 1]


def test_every_value_of_every_environment_file_is_shown(rows: dict[str, list[str]]) -> None:
    for column, name in enumerate(settings_table.ORDER, start=4):
        document = tomllib.loads((ENVIRONMENTS / f"{name}.toml").read_text(encoding="utf-8"))
        for section, content in document.items():
            for key, value in content.items():
                shown = rows[f"{section}.{key}"][column].strip("`")
                expected = ", ".join(value) or "[]" if isinstance(value, list) else str(value)
                assert shown == (expected.lower() if isinstance(value, bool) else expected), f"{name} {section}.{key}"


def test_every_environment_has_a_column() -> None:
    assert set(settings_table.ORDER) == {path.stem for path in ENVIRONMENTS.glob("*.toml")}


def test_what_must_be_given_is_said(rows: dict[str, list[str]]) -> None:
    needed = {key: cells[4:7] for key, cells in rows.items() if "**must be given**" in cells}
    both = ["", "**must be given**", "**must be given**"]
    assert needed.keys() == {"compute.image", "compute.certificate_arn", "compute.domain_name"}
    assert needed["compute.certificate_arn"] == needed["compute.domain_name"] == both
    assert needed["compute.image"][1:] == both[1:]


def test_defaults_come_from_the_model(rows: dict[str, list[str]]) -> None:
    assert rows["region"][3] == f"`{Settings.model_fields['region'].default}`"
    assert rows["database.min_acu"][3] == ""
    assert rows["account"][3] == "-"
    assert rows["database.data_api"][3] == "`true`"


def test_the_settings_page_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "settings.md"
    after = dict.fromkeys(FIELDS, "as it was found")
    target.write_text(settings_table.page(settings_table.committed()), encoding="utf-8")
    monkeypatch.setattr(settings_table, "PAGE", target)
    monkeypatch.setattr(settings_table, "consequences", lambda before: after if "free" in before.values() else before)
    assert settings_table.main() == 0
    assert target.read_text(encoding="utf-8") == settings_table.page(after)
    assert settings_table.committed() == after
    assert f"{len(FIELDS)} settings" in capsys.readouterr().out


def test_the_committed_page_has_the_figure_and_every_gap_of_the_refusals() -> None:
    rows = tomllib.loads((ROOT / "packages/embedded_aws/tests/refusals.toml").read_text(encoding="utf-8"))["refusal"]
    page = (ROOT / "docs/local.md").read_text(encoding="utf-8")
    gaps = [row["id"] for row in rows if "gap" in row]
    assert f"**{len(rows) - len(gaps)} of {len(rows)} are refused as AWS does.**" in page
    section = page.partition("## What it refuses")[2].partition("\n## ")[0]
    assert [line.split("`")[1] for line in section.splitlines() if line.startswith("- `")] == gaps


@pytest.fixture(scope="module")
def estimates() -> dict[str, costs_page.Estimate]:
    """Return the estimates of the page; what other tests synthesize as well is not synthesized again."""
    return {
        name: costs_page.estimate(context, assembly(name).folder if name in PROFILES else None)
        for name, context in costs_page.CASES.items()
    }


def test_the_committed_costs_and_their_picture_are_fresh(estimates: dict[str, costs_page.Estimate]) -> None:
    assert costs_page.PAGE.read_text(encoding="utf-8") == costs_page.page(estimates)
    assert costs_page.PICTURE.read_text(encoding="utf-8") == costs_page.picture(estimates)


def test_the_costs_have_every_environment_and_every_way_out(estimates: dict[str, costs_page.Estimate]) -> None:
    found = {(each.settings.environment, each.settings.network.egress) for each in estimates.values()}
    assert found >= {("dev", EgressMode.PUBLIC_IP), ("staging", EgressMode.ENDPOINTS)}
    assert found >= {("prod", mode) for mode in EgressMode}


def test_the_picture_of_the_costs_is_as_wide_as_they_are(estimates: dict[str, costs_page.Estimate]) -> None:
    drawn = re.findall(r'y="(\d+)" width="([\d.]+)" height="22"', costs_page.picture(estimates))
    lengths: dict[str, float] = {}
    for line, width in drawn:
        lengths[line] = lengths.get(line, 0) + float(width)
    totals = [each.bill.total[0] for each in estimates.values()]
    wanted = [max(lengths.values()) * total / max(totals) for total in totals]
    assert list(lengths.values()) == pytest.approx(wanted, abs=1)


def test_the_costs_are_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    estimates: dict[str, costs_page.Estimate],
) -> None:
    monkeypatch.setattr(costs_page, "PAGE", tmp_path / "costs.md")
    monkeypatch.setattr(costs_page, "PICTURE", tmp_path / "costs.svg")
    names = {id(context): name for name, context in costs_page.CASES.items()}
    monkeypatch.setattr(costs_page, "estimate", lambda context: estimates[names[id(context)]])
    assert costs_page.main() == 0
    assert capsys.readouterr().out == "costs: 6 deployments -> costs.md, costs.svg\n"
    assert (tmp_path / "costs.md").read_text(encoding="utf-8") == costs_page.page(estimates)
    assert (tmp_path / "costs.svg").read_text(encoding="utf-8") == costs_page.picture(estimates)
