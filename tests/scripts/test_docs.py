"""The documents are true: links, paths, commands, tests, settings, prices."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator

import pytest

from app import NAG
from rule_pages import by_service
from scripts.settings_table import environment_file
from stacks.profiles import NEEDED
from stacks.settings import SettingsError, load_settings
from stacks.settings.fields import FIELDS
from tests.assembly import ROOT, Assembly

DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
STATUS = re.compile(r"- Status: (Accepted|Superseded by \[(\d{3})\]\((\S+)\))\n- Date: (\d{4}-\d{2}-\d{2})\n")
# What such a record, and the changelog, names may be gone.
HISTORY = {
    "CHANGELOG.md",
    *(name for name in NAMES if "\n- Status: Superseded" in (ROOT / name).read_text(encoding="utf-8")),
}
CURRENT = [name for name in NAMES if name not in HISTORY]
# Folders of today, and names that folders had.
FOLDERS = "environments|stacks|lambda_src|service|ops|packages|scripts|requirements|docs|tests|tools|guards|preflight"
PATH = re.compile(rf"(?<![\w./<:-])((?:{FOLDERS})/[\w./<>*-]*)")
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
# What follows the dot in a file name, which is no setting.
FILES = {"json", "py", "tf", "toml", "yaml"}
HOURS = 730
# US dollars an hour in us-east-1, as the README says.
NAT_GATEWAY, INTERFACE_ENDPOINT_AND_ZONE, PUBLIC_ADDRESS = 0.045, 0.01, 0.005


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _code(name: str) -> list[str]:
    """Return inline code and the lines of code blocks."""
    text = _text(name)
    blocks = [line for block in FENCE.findall(text) for line in block.splitlines()]
    return [*CODE.findall(FENCE.sub("", text)), *blocks]


def _anchors(text: str) -> set[str]:
    """Return the anchors of the headings, as GitHub makes them, and those that the text sets itself."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return made | set(re.findall(r'<a id="([^"]+)"></a>', text))


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


@pytest.mark.parametrize("name", CURRENT)
def test_every_make_target_exists(name: str) -> None:
    for code in _code(name):
        for target in re.findall(r"(?:^|\s)make ([a-z][a-z-]*)", code):
            assert target in _makefile_targets(), code


@pytest.mark.parametrize("name", CURRENT)
def test_every_test_that_is_named_exists(name: str) -> None:
    defined = _defined_tests()
    for code in _code(name):
        if re.fullmatch(r"test_\w+", code) and code != "test_name":
            assert code in defined, code


@pytest.mark.parametrize("name", CURRENT)
def test_every_path_that_is_named_exists(name: str) -> None:
    """`<placeholder>` stands for any name, and `*` for itself."""
    for code in _code(name):
        for path in PATH.findall(code):
            pattern = re.sub(r"<\w+>", "*", path).rstrip("./")
            found = list(ROOT.glob(pattern))
            assert found, code
            assert not path.endswith("/") or any(each.is_dir() for each in found), code


def test_every_path_of_the_code_owners_exists() -> None:
    paths = re.findall(r"^# /(\S+) +@OWNER", _text(".github/CODEOWNERS"), re.MULTILINE)
    assert len(paths) > 5
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_oldest_python_that_is_supported_is_the_one_of_the_checkout() -> None:
    version = _text(".python-version").strip()
    project = tomllib.loads(_text("pyproject.toml"))["tool"]
    assert project["mypy"]["python_version"] == version
    assert project["ruff"]["target-version"] == f"py{version.replace('.', '')}"
    container = json.loads(_text(".devcontainer/devcontainer.json"))
    assert re.fullmatch(rf"mcr\.microsoft\.com/devcontainers/python:\d-{re.escape(version)}-[a-z]+", container["image"])
    assert container["postCreateCommand"] == "make install"


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
    """Return the monthly price of the routes out in US dollars: NAT gateways, interface endpoints, public addresses."""
    network = deployment.nested["Network"]
    service = deployment.nested["Compute"].one("AWS::ECS::Service")
    public = service["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "ENABLED"
    addresses = len(network.of_type("AWS::EC2::EIP")) + tasks * public
    endpoints = sum(
        len(endpoint["Properties"].get("SubnetIds", []))
        for endpoint in network.of_type("AWS::EC2::VPCEndpoint").values()
    )
    gateways = len(network.of_type("AWS::EC2::NatGateway"))
    hourly: float = gateways * NAT_GATEWAY + endpoints * INTERFACE_ENDPOINT_AND_ZONE + addresses * PUBLIC_ADDRESS
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


def test_decisions_are_numbered_and_have_one_form() -> None:
    for number, record in enumerate(DECISIONS, start=1):
        assert record.name.startswith(f"{number:03}-")
        title, _, rest = record.read_text(encoding="utf-8").partition("\n\n")
        assert re.fullmatch(rf"# {number:03}: \S.*", title)
        status = STATUS.match(rest)
        assert status, record.name
        if later := status[2]:
            assert status[3].startswith(f"{later}-")
            assert int(later) > number
        assert re.findall(r"^## (.+)$", rest, re.MULTILINE) == ["Context", "Decision", "Consequences"]


def test_the_index_of_decisions_is_complete() -> None:
    rows = []
    for record in DECISIONS:
        title, _, rest = record.read_text(encoding="utf-8").partition("\n\n")
        number, _, decision = title.removeprefix("# ").partition(": ")
        status = STATUS.match(rest)
        assert status, record.name
        rows.append(f"| [{number}]({record.name}) | {decision} | {status[1]} |")
    assert re.findall(r"^\| \[.+$", _text("docs/decisions/README.md"), re.MULTILINE) == rows


def test_the_changelog_begins_with_what_is_not_released() -> None:
    versions = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d{2}-\d{2}))?$", _text("CHANGELOG.md"), re.MULTILINE)
    assert versions[0] == ("Unreleased", "")
    assert all(date for _, date in versions[1:])
    project = tomllib.loads(_text("pyproject.toml"))["project"]
    assert project["version"] == (versions[1][0] if versions[1:] else "0.0.0")
    kinds = set(re.findall(r"^### (.+)$", _text("CHANGELOG.md"), re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


@pytest.mark.parametrize("name", NAMES)
def test_no_document_names_a_path_of_somebodys_machine(name: str) -> None:
    assert not re.search(r"/(?:work|home|root|Users)/|/tmp/\w", _text(name))


def test_the_site_lists_every_page() -> None:
    nav = tomllib.loads(_text("zensical.toml"))["project"]["nav"]
    listed = [
        page for entry in nav for pages in entry.values() for page in ([pages] if isinstance(pages, str) else pages)
    ]
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("packages/*/README.md")]
    pages = [str(path.relative_to(ROOT)) for path in found]
    rules = [f"docs/guards/{service}.md" for service in by_service()]
    assert sorted(listed) == sorted([*pages, "docs/decisions/README.md", *rules])
