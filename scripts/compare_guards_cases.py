"""Fixtures as the judges see them, and when a judge may be said to have caught one.

A judge complains of many things in a small template, sound or not. What it says of a broken fixture counts when it
tells the defect from noise: see `Bench`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from breakwater_guards.model.assembly import Assembly


@dataclass(frozen=True)
class Complaint:
    """What a judge says.

    Attributes:
        rule: Id of the judge's own rule.
        resource: Logical id; empty when the judge names none.
    """

    rule: str
    resource: str


Complaints = frozenset[Complaint]
# What one judge says of each fixture; None for a fixture that it cannot read.
Verdicts = Mapping["Case", Complaints | None]


@dataclass(frozen=True)
class Case:
    """One fixture.

    Attributes:
        rule: Id of the guard that it belongs to.
        path: A template, or a folder of templates.
    """

    rule: str
    path: Path

    @property
    def broken(self) -> bool:
        """Whether it has the defect."""
        return self.path.name.startswith("bad")

    def files(self) -> list[Path]:
        """Returns its templates."""
        folder = self.path if self.path.is_dir() else self.path.parent
        return sorted({folder / template.file for template in Assembly.load(self.path).templates.values()})

    def types(self) -> dict[str, str]:
        """Returns the type of each resource by logical id."""
        templates = Assembly.load(self.path).templates.values()
        return {name: resource.type for template in templates for name, resource in template.resources.items()}


def all_cases(fixtures: Path, rules: Iterable[str]) -> list[Case]:
    """Lists every fixture of some rules.

    Args:
        fixtures: Folder with one folder for each rule.
        rules: Ids of the rules.
    """
    return [Case(rule, path) for rule in rules for path in sorted((fixtures / rule).glob("*"))]


# What these say is how a value is written, which is what the spellings of a fixture vary on purpose.
STYLE = {
    "W1020": "Fn::Sub without a variable",
    "W3002": "a path of a local file",
    "W9002": "an ARN written out",
    "W9003": "a number or boolean written as text",
}


class Bench:
    """What one judge says of all fixtures, and which of it tells broken fixtures from sound ones.

    Two things count:

    - what it says of the rule's plainest broken fixture and not of the plainest sound one, which differ in the defect
      and in nothing else, and wherever it says so again;
    - what it says of the resource that the guard blames, unless it says the same of that type of resource in a sound
      fixture of any rule, or of any type where no sound fixture has this one. Here doubt favours the judge: two
      fixtures may differ in more than the defect.

    Args:
        said: What the judge says of each fixture.
        guards: What the guards say.
    """

    def __init__(self, said: Verdicts, guards: Verdicts) -> None:
        self._guards = guards
        self._said = {
            case: None if complaints is None else frozenset(each for each in complaints if each.rule not in STYLE)
            for case, complaints in said.items()
        }
        self._types = {case: case.types() for case in said}
        sound = [case for case in said if not case.broken]
        self._noise = {
            (complaint.rule, self._types[case].get(complaint.resource, ""))
            for case in sound
            for complaint in self._said[case] or ()
        }
        self._sound_types = {kind for case in sound for kind in self._types[case].values()}

    def caught(self, case: Case) -> Complaints | None:
        """Returns what the judge says of a broken fixture because of its defect.

        Args:
            case: The broken fixture.

        Returns:
            The complaints, empty when the defect went unseen; None when the judge cannot read the fixture.
        """
        said, types = self._said[case], self._types[case]
        if said is None:
            return None
        known, noise = self._contrast(case.rule)
        blamed = {complaint.resource for complaint in self._guards[case] or ()} & set(types)
        return frozenset(
            complaint
            for complaint in said
            if (complaint.rule in known and complaint not in noise)
            or (complaint.resource in blamed and not self._is_noise(complaint.rule, types[complaint.resource]))
        )

    def _is_noise(self, rule: str, kind: str) -> bool:
        if kind in self._sound_types:
            return (rule, kind) in self._noise
        return rule in {noisy for noisy, _ in self._noise}

    def _contrast(self, rule: str) -> tuple[set[str], Complaints]:
        """Returns the judge's rules that complain of ``bad.yaml`` more than of ``good.yaml``, and what both have."""
        plain = {case.path.stem: said for case, said in self._said.items() if case.rule == rule}
        broken, sound = plain.get("bad"), plain.get("good")
        if broken is None or sound is None:
            return set(), frozenset()
        return {complaint.rule for complaint in broken - sound}, broken & sound
