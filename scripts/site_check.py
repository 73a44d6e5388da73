"""Check the documentation site as a reader meets it: each page within three clicks, no dead link, nothing fetched.

Zensical checks links between the Markdown sources; this reads the pages that it made of them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

START: Final = "index.html"
CLICKS: Final = 3
_NOT_PAGES: Final = frozenset({"404.html"})
# Elements that a browser fetches something for when the page is opened, with the attribute that says what.
_FETCHING: Final = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}


@dataclass
class Page(HTMLParser):
    """One page of the site.

    Attributes:
        links: where its `a` elements lead.
        fetched: what a browser fetches to show it.
        anchors: the ids in it.
    """

    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element refers to."""
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag in _FETCHING and _FETCHING[tag] in found and found.get("rel") not in ("canonical", "prev", "next"):
            self.fetched.append(found[_FETCHING[tag]])


def read(site: Path) -> dict[str, Page]:
    """Return the pages of a site, by their paths in it."""
    found = {}
    for path in sorted(site.rglob("*.html")):
        found[path.relative_to(site).as_posix()] = page = Page()
        page.feed(path.read_text(encoding="utf-8"))
    return found


def resolve(page: str, link: str) -> tuple[str, str] | None:
    """Return the file of the site and the anchor that a link leads to; None for one that leads elsewhere."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return None
    path = unquote(parts.path)
    if not path:
        return page, unquote(parts.fragment)
    names = list[str]() if path.startswith("/") else page.split("/")[:-1]
    for name in path.strip("/").split("/"):
        if name == "..":
            del names[-1:]
        elif name != ".":
            names.append(name)
    return "/".join(names), unquote(parts.fragment)


def problems(site: Path, pages: Mapping[str, Page], clicks: Mapping[str, int]) -> Iterator[str]:
    """Yield what is wrong with a site, a line each.

    Args:
        site: folder of the built site.
        pages: of the site, as `read` returns them.
        clicks: how far away they are, as `distances` returns it.
    """
    for name, page in pages.items():
        for link in page.links:
            target = resolve(name, link)
            if target and not (site / target[0]).exists():
                yield f"{name}: {link} leads nowhere"
            elif target and target[1] and target[0] in pages and target[1] not in pages[target[0]].anchors:
                yield f"{name}: {link} has no such place"
        for source in page.fetched:
            target = resolve(name, source)
            if target is None and not source.startswith("data:"):
                yield f"{name}: fetches {source}, which is not of the site"
            elif target and not (site / target[0]).is_file():
                yield f"{name}: {source} is missing"
    for name in sorted(pages.keys() - _NOT_PAGES):
        if clicks.get(name, CLICKS + 1) > CLICKS:
            yield f"{name}: not within {CLICKS} clicks of {START}"


def distances(pages: Mapping[str, Page]) -> dict[str, int]:
    """Return how many clicks each page is away from the first one, by the links in the pages."""
    found, edge = {START: 0}, [START]
    while edge:
        reached = {target[0] for name in edge for link in pages[name].links if (target := resolve(name, link))}
        edge = sorted((reached & pages.keys()) - found.keys())
        found |= dict.fromkeys(edge, max(found.values()) + 1)
    return found


def main() -> int:
    """Print the problems of the site that is named on the command line, or what was checked."""
    site = Path(sys.argv[1])
    if not (site / START).is_file():
        print(f"{site} has no {START}: build the site with `make docs`", file=sys.stderr)
        return 2
    pages = read(site)
    clicks = distances(pages)
    found = list(problems(site, pages, clicks))
    for line in found:
        print(line, file=sys.stderr)
    links = sum(len(page.links) for page in pages.values())
    print(f"{len(pages)} pages, {links} links, at most {max(clicks.values())} clicks: {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
