"""The check of the documentation site finds what a reader would stumble over."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scripts import site_check


def problems(site: Path) -> list[str]:
    pages = site_check.read(site)
    return list(site_check.problems(site, pages, site_check.distances(pages)))


def write(folder: Path, **pages: str) -> Path:
    for name, body in pages.items():
        path = folder / f"{name.replace('__', '/')}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"<html><body>{body}</body></html>", encoding="utf-8")
    return folder


def test_a_site_without_problems(tmp_path: Path) -> None:
    (tmp_path / "style.css").write_text("")
    site = write(
        tmp_path,
        index='<link rel="canonical" href="https://docs.mycompany.com/"><link rel="stylesheet" href="style.css">'
        '<a href="docs/a.html#top">a</a><a href="https://aws.amazon.com/">elsewhere</a><a href="#here">here</a>'
        '<p id="here"><img src="data:image/svg+xml,x">',
        docs__a='<h1 id="top">a</h1><a href="../index.html">back</a><a href="/docs/a.html">itself</a>',
    )
    assert problems(site) == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('<a href="b.toml">b</a>', "index.html: b.toml leads nowhere"),
        ('<a href="#gone">gone</a>', "index.html: #gone has no such place"),
        ('<img src="https://a.com/a.svg">', "index.html: fetches https://a.com/a.svg, which is not of the site"),
        ('<script src="a.js"></script>', "index.html: a.js is missing"),
    ],
)  # fmt: skip
def test_what_a_reader_would_stumble_over(tmp_path: Path, body: str, problem: str) -> None:
    assert problems(write(tmp_path, index=body)) == [problem]


def test_a_page_is_within_three_clicks(tmp_path: Path) -> None:
    ways = {f"p{number}": f'<a href="p{number + 1}.html">on</a>' for number in range(1, 5)}
    site = write(tmp_path, index='<a href="p1.html">on</a>', **ways, p5="", lonely="")
    far = [line for line in problems(site) if "clicks" in line]
    assert far == [f"{name}.html: not within 3 clicks of index.html" for name in ("lonely", "p4", "p5")]


def test_the_command_ends_with_1_and_the_problems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["site_check", str(tmp_path)])
    assert site_check.main() == 2
    assert "build the site with `make docs`" in capsys.readouterr().err
    write(tmp_path, index='<a href="#gone">gone</a>')
    assert site_check.main() == 1
    assert capsys.readouterr() == (
        "1 pages, 1 links, at most 0 clicks: 1 problems\n",
        "index.html: #gone has no such place\n",
    )
    write(tmp_path, index="")
    assert site_check.main() == 0
