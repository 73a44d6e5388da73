"""The documents are true: links, paths, commands, tests, settings, prices."""

from __future__ import annotations

import json
import re
import tomllib

import pytest

from app import NAG
from ops.local.workspace import DEFAULT_PORT
from rule_pages import by_service
from scripts import first_run
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


def test_the_container_opens_to_a_deployed_platform() -> None:
    """Its schema, https://containers.dev/implementors/json_schema/, comes with no package."""
    container = json.loads(_text(".devcontainer/devcontainer.json"))
    assert container["onCreateCommand"] == "make install"
    assert container["postCreateCommand"] == "make local"
    # What runs in the container ends with it.
    assert container["postStartCommand"] == "make local-status || make local"
    assert container["forwardPorts"] == [DEFAULT_PORT]


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


def test_the_readme_shows_what_the_first_run_printed() -> None:
    (shown,) = first_run.BLOCK.findall(_text("README.md"))
    (recorded,) = first_run.BLOCK.findall(first_run.PAGE.read_text(encoding="utf-8"))
    assert shown.splitlines() == first_run.excerpt(recorded)
    assert len(shown.splitlines()) == 11


def test_the_first_run_is_one_of_this_app(dev: Assembly) -> None:
    """Its steps are those of the command, and it deployed what dev has: else `make first-run` records a new one."""
    recorded = first_run.PAGE.read_text(encoding="utf-8")
    steps = re.findall(r"^ *[\d.]+ \| \d/\d (.+?)(?: Breakwater-dev \(dev\))?$", recorded, re.MULTILINE)
    source = (ROOT / "ops" / "local" / "up.py").read_text(encoding="utf-8")
    assert steps == re.findall(r'steps\.step\(f?"([A-Z][a-z A-Z]+?)(?: \{.+?)?"\)', source)
    resources = [each for template in dev.templates.values() for each in template.resources.values()]
    assert f"{len(resources)} resources of {len({each['Type'] for each in resources})} types" in recorded
    assert f"{len(resources)} resources, " in recorded


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
    entries = [page for section in nav for pages in section.values() for page in pages]
    titles = [title for page in entries if isinstance(page, dict) for title in page]
    listed = [path for page in entries for path in (page.values() if isinstance(page, dict) else [page])]
    found = [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("packages/*/README.md"),
        *ROOT.glob("packages/*/CHANGELOG.md"),
    ]
    pages = [str(path.relative_to(ROOT)) for path in found]
    rules = [f"docs/guards/{service}.md" for service in by_service()]
    assert sorted(listed) == sorted([*pages, "docs/decisions/README.md", *rules])
    assert len(titles) == len({*titles}) == len([page for page in listed if page.endswith("/CHANGELOG.md")])
