"""docs/guards.md says what the guards are: fresh and complete; the full pages show what the rules find."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import rule_pages
from breakwater_guards import Profile, check
from breakwater_guards.engine import all_rules
from breakwater_guards.formats import markdown

COMMITTED = rule_pages.PAGE.read_text(encoding="utf-8")
SERVICES = rule_pages.by_service()
PAGES = {module: rule_pages.page(module) for module in SERVICES}
SNIPPET = re.compile(r"^(Broken|Sound):\n\n```(json|yaml)\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


def test_the_committed_page_is_fresh() -> None:
    assert rule_pages.index() == COMMITTED, "run `make guards-docs` and commit docs/guards.md"


def test_every_rule_has_one_line_with_an_anchor() -> None:
    for rule in all_rules().values():
        (line,) = (line for line in COMMITTED.splitlines() if f'<a id="{rule.id.lower()}"></a>{rule.id} |' in line)
        assert markdown.prose(rule.title) in line
        assert rule.severity.value in line
    assert len(COMMITTED.splitlines()) < 400, "an index, not the pages"


@pytest.mark.parametrize("module", SERVICES)
def test_every_service_has_a_name_and_a_subject(module: str) -> None:
    name, subject = rule_pages.title(module)
    assert f"## {name}\n\n{subject}\n" in COMMITTED
    assert subject.endswith((".", ")."))
    assert len({rule.id.split("-")[1] for rule in SERVICES[module]}) == 1, "the ids of a service begin alike"


@pytest.mark.parametrize("rule", all_rules())
def test_the_snippets_of_a_rule_are_judged_as_the_page_says(rule: str, tmp_path: Path) -> None:
    (page,) = (page for page in PAGES.values() if f"\n## {rule}\n" in page)
    section = page.partition(f"\n## {rule}\n")[2].partition("\n## ")[0]
    assert all(part in section for part in all_rules()[rule].sources)
    found = {label: (suffix, text) for label, suffix, text in SNIPPET.findall(section)}
    profile = Profile.SINGLE_REGION if Profile.SINGLE_REGION in all_rules()[rule].profiles else Profile.MULTI_REGION
    for label, (suffix, text) in found.items():
        file = tmp_path / f"{label}.{suffix}"
        file.write_text(text, encoding="utf-8")
        report = check(file, rules=[rule], profile=profile)
        assert bool(report.findings) is (label == "Broken"), label
    assert found or "```" in section, "a rule shows a broken and a sound template"


def test_full_pages_are_written_where_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rule_pages, "ROOT", tmp_path)
    monkeypatch.setattr(rule_pages, "PAGE", tmp_path / "guards.md")
    assert rule_pages.main(["--pages", str(tmp_path / "pages")]) == 0
    assert not rule_pages.PAGE.exists()
    assert {file.stem: file.read_text(encoding="utf-8") for file in (tmp_path / "pages").iterdir()} == PAGES
    assert f"{len(PAGES)} pages" in capsys.readouterr().out
    assert rule_pages.main([]) == 0
    assert rule_pages.PAGE.read_text(encoding="utf-8") == COMMITTED


def test_markup_in_a_rule_is_shown_and_not_obeyed() -> None:
    assert markdown.prose("a <b> of `*.c` and * or [d]") == r"a &lt;b> of `*.c` and \* or \[d\]"
    assert markdown.row("a|b", "c") == r"| a\|b | c |"
