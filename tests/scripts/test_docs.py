"""What the documents say is so: links, commands, tests, settings, prices."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import NAG
from breakwater_guards.engine import all_rules
from ops.preflight.check import all_checks
from scripts.settings_table import environment_file
from stacks.profiles import NEEDED
from stacks.settings import SettingsError, load_settings
from stacks.settings.fields import FIELDS
from stacks.settings.loader import ENVIRONMENTS
from tests.assembly import ROOT, Assembly

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
PITFALL = re.compile(r"^\| (?P<id>[PM]\d+) \| (?P<cells>.*) \|$", re.MULTILINE)
# What follows the dot in a file name, which is no setting.
FILES = {"json", "py", "tf", "yaml"}
HOURS = 730
# US dollars an hour in us-east-1, as the README says.
NAT_GATEWAY, INTERFACE_ENDPOINT_AND_ZONE, PUBLIC_ADDRESS = 0.045, 0.01, 0.005


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _code(name: str) -> list[str]:
    """Inline code and the lines of code blocks."""
    text = _text(name)
    blocks = [line for block in FENCE.findall(text) for line in block.splitlines()]
    return [*CODE.findall(FENCE.sub("", text)), *blocks]


def _anchors(text: str) -> set[str]:
    """Anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _defined_tests() -> set[str]:
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    return {name for source in sources for name in re.findall(r"^def (test_\w+)", source, re.MULTILINE)}


def _makefile_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", _text("Makefile"), re.MULTILINE))


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str) -> None:
    for link in LINK.findall(_text(name)):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), link
        if anchor:
            assert anchor in _anchors(target.read_text(encoding="utf-8")), link


@pytest.mark.parametrize("name", NAMES)
def test_every_make_target_exists(name: str) -> None:
    for code in _code(name):
        for target in re.findall(r"(?:^|\s)make ([a-z][a-z-]*)", code):
            assert target in _makefile_targets(), code


@pytest.mark.parametrize("name", NAMES)
def test_every_test_that_is_named_exists(name: str) -> None:
    defined = _defined_tests()
    for code in _code(name):
        if re.fullmatch(r"test_\w+", code) and code != "test_name":
            assert code in defined, code


@pytest.mark.parametrize("name", NAMES)
def test_every_file_that_is_named_exists(name: str) -> None:
    folders = "app.py|cdk.json|environments|stacks|ops|tests|tools|docs"
    for code in _code(name):
        for path in re.findall(rf"(?<![\w./<-])((?:{folders})(?:/[\w.-]+)+)(?![\w/<*])", code):
            assert (ROOT / path).exists() or Path(path).name.startswith("test_name"), code


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_that_is_named_exists(name: str) -> None:
    known = {*FIELDS, NAG, "environment", "key", "key.path"}
    for code in _code(name):
        for key in re.findall(r"-c ([\w.]+)=", code):
            assert key in known, code
    sections = {key.partition(".")[0] for key in FIELDS if "." in key}
    for code in CODE.findall(FENCE.sub("", _text(name))):
        key = code.partition("=")[0]
        section, dot, rest = key.partition(".")
        if dot and section in sections and re.fullmatch(r"[a-z0-9_]+", rest) and rest not in FILES:
            assert key in FIELDS, code


def _values(key: str) -> Iterator[str]:
    for environment in ("dev", "staging", "prod"):
        value = environment_file(environment)[key]
        yield (", ".join(value) or "none") if isinstance(value, list) else str(value).lower()


def test_the_readme_tells_the_values_of_the_environments() -> None:
    rows = re.findall(r"^\| (`[a-z]+\.[^|]*`) \| ((?:[^|]+\|){2}[^|]+) \|$", _text("README.md"), re.MULTILINE)
    assert len(rows) > 5
    for keys, cells in rows:
        columns = [list(_values(key)) for key in CODE.findall(keys)]
        expected = [" to ".join(values) for values in zip(*columns, strict=True)]
        assert cells.replace("`", "").split(" | ") == expected, keys


def test_the_readme_shows_an_error_as_it_is() -> None:
    (shown,) = re.findall(r"```text\n(database\.min_acu = .*)\n```", _text("README.md"))
    with pytest.raises(SettingsError) as raised:
        load_settings({"environment": "prod", **NEEDED, "database.min_acu": "0.3"})
    assert str(raised.value) == shown


def _price(deployment: Assembly, *, tasks: int = 2) -> float:
    """Monthly price of the way out: NAT gateways, interface endpoints in their zones, public addresses."""
    network = deployment.nested["Network"]
    service = deployment.nested["Compute"].one("AWS::ECS::Service")
    public = service["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "ENABLED"
    addresses = len(network.of_type("AWS::EC2::EIP")) + tasks * public
    endpoints = sum(
        len(endpoint["Properties"].get("SubnetIds", []))
        for endpoint in network.of_type("AWS::EC2::VPCEndpoint").values()
    )
    gateways = len(network.of_type("AWS::EC2::NatGateway"))
    hourly = gateways * NAT_GATEWAY + endpoints * INTERFACE_ENDPOINT_AND_ZONE + addresses * PUBLIC_ADDRESS
    return hourly * HOURS


def test_the_price_table_counts_what_the_templates_create(
    dev: Assembly, prod: Assembly, prod_nat: Assembly, options: Assembly
) -> None:
    shown = re.findall(r"^\| `(?:public-ip|nat|endpoints)`.*? \| (\$[\d.]+) \|", _text("README.md"), re.MULTILINE)
    assert shown == [f"${_price(deployment):.2f}" for deployment in (dev, options, prod_nat, prod)]


def test_the_readme_prices_a_further_task_and_ecs_exec(dev: Assembly) -> None:
    text = " ".join(_text("README.md").split())
    assert f"further task adds ${_price(dev, tasks=3) - _price(dev):.2f}" in text
    assert f"adds a sixth endpoint (${2 * INTERFACE_ENDPOINT_AND_ZONE * HOURS:.2f})" in text


def test_all_pitfalls_are_answered_with_a_source() -> None:
    rows = {found["id"]: found["cells"].split(" | ") for found in PITFALL.finditer(_text("docs/pitfalls.md"))}
    assert set(rows) == {f"P{number}" for number in range(1, 49)} | {f"M{number}" for number in range(1, 22)}
    for name, (_, truth, answer) in rows.items():
        assert re.match(r"(Prevented|Not applicable|Planned|By design|By setting|Reduced)\b", answer), name
        if answer.startswith("Prevented"):
            assert re.search(r"`|P1\b|P39\b", answer), f"{name} names no file, test or other pitfall as proof"
        if name.startswith("M"):
            assert "https://" in truth, name


def test_every_guard_is_linked_by_its_own_id() -> None:
    text = _text("docs/pitfalls.md")
    links = re.findall(r"\[(DR-[A-Z0-9]+-\d{2})\]\(guards\.md#([a-z0-9-]+)\)", text)
    assert len(links) > 30
    assert set(re.findall(r"DR-[A-Z0-9]+-\d{2}", text)) == {rule for rule, _ in links}
    for rule, anchor in links:
        assert rule in all_rules()
        assert anchor == rule.lower()


def test_every_check_of_the_account_is_linked_by_its_own_id() -> None:
    text = _text("docs/pitfalls.md")
    links = re.findall(r"\[(PF-[A-Z0-9]+-\d{2})\]\(preflight\.md#([a-z0-9-]+)\)", text)
    assert len(links) > 5
    assert set(re.findall(r"PF-[A-Z0-9]+-\d{2}", text)) == {check for check, _ in links}
    for check, anchor in links:
        assert check in all_checks()
        assert anchor == check.lower()


def test_what_a_template_can_show_has_a_guard() -> None:
    """What stays without one is about tools, tests, prices or the account, as its row says."""
    unseen = {"P7", "P8", "P10", "P13", "P15", "P16", "P17", "P18", "P19", "P20", "P22", "P23", "P26", "P34", "P35"}
    unseen |= {"P36", "P37", "P41", "P44", "P48", "M4", "M6", "M7", "M11", "M13", "M14", "M15", "M19", "M20"}
    rows = {found["id"]: found["cells"] for found in PITFALL.finditer(_text("docs/pitfalls.md"))}
    assert {name for name, cells in rows.items() if "Guard: [DR-" not in cells} == unseen


def test_aws_claims_carry_a_source() -> None:
    """A claim about AWS without a link is one that nobody can check; process claims say so themselves."""
    process = {"P7", "P13", "P14", "P16", "P17", "P22", "P23", "P42", "P48"}
    for found in PITFALL.finditer(_text("docs/pitfalls.md")):
        if found["id"] not in process:
            assert "https://" in found["cells"], found["id"]


def test_continuous_backup_keeps_what_aurora_keeps() -> None:
    """As docs/pitfalls.md says of drift (M15)."""
    for environment in ENVIRONMENTS.glob("*.toml"):
        values = environment_file(environment.stem)
        assert values["backup.continuous_retention_days"] == values["database.backup_retention_days"]


def test_decisions_are_numbered_and_say_why() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    for number, record in enumerate(records, start=1):
        assert record.name.startswith(f"{number:03}-")
        text = record.read_text(encoding="utf-8")
        assert text.startswith(f"# {number:03}: ")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]


@pytest.mark.parametrize("name", NAMES)
def test_no_document_names_a_path_of_somebodys_machine(name: str) -> None:
    assert not re.search(r"/(?:work|home|root|Users)/|/tmp/\w", _text(name))
