"""An account whose answers are written in the test, and the context of a check that asks it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from syrupy.extensions.amber import AmberSnapshotExtension
from syrupy.location import PyTestLocation

from ops.preflight.account import Account, Ask
from ops.preflight.check import all_checks
from ops.preflight.context import CheckContext, Plan, load_plan
from stacks.profiles import PROFILES
from stacks.settings import load_settings
from tests.assembly import assembly
from tests.fake_clients import Operation, ServiceError, fake_client


class Said(AmberSnapshotExtension):
    """One file of snapshots for each test file: in the default folder, it is unused when pytest only collects."""

    file_extension = "txt"

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:
        """Return a folder of their own: syrupy takes every file there for a snapshot, and deletes unused ones."""
        return str(Path(test_location.filepath).parent / "snapshots")


IDENTITY = {"Account": "111111111111", "Arn": "arn:aws:iam::111111111111:user/deployer"}
Answers = Mapping[str, Any]


def refuse(code: str) -> Operation:
    """Return an operation that the service refuses."""

    def operation(**_: Any) -> Mapping[str, Any]:
        raise ServiceError(code)

    return operation


def pages(token: str, *answers: Mapping[str, Any]) -> Operation:
    """Return an operation that answers page by page.

    Args:
        token: name of the parameter with which the next page is asked for.
        answers: the pages; all but the last are told where the next begins.
    """

    def operation(**given: Any) -> Mapping[str, Any]:
        number = int(given.get(token, 0))
        return answers[number]

    return operation


@dataclass(frozen=True)
class InRegion:
    """An answer that only one Region gives.

    Args:
        region: the Region.
        answer: the answer, or a function that gives it.
    """

    region: str
    answer: Any


class Session:
    """A session of boto3 whose clients give the written answers.

    Args:
        answers: by ``service:Operation``: an answer, or a function that gives one.
    """

    def get_credentials(self) -> object:
        """Return something: somebody is logged in."""
        return self

    def __init__(self, answers: Answers) -> None:
        self._answers, self.made, self.asked = answers, list[str](), list[str]()

    def client(self, service: str, region_name: str = "", **_: Any) -> Any:
        """Return the client, whose calls are noted in `made` and `asked`; a call without an answer fails the test."""
        mine = {call.partition(":")[2]: call for call in self._answers if call.startswith(f"{service}:")}
        operations = {operation: self._operation(call, region_name) for operation, call in mine.items()}
        return fake_client(service, **operations)

    def _operation(self, call: str, region: str) -> Operation:
        def operation(**given: Any) -> Mapping[str, Any]:
            self.made.append(call)
            self.asked.append(f"{call} in {region}: {json.dumps(given)}")
            answer = self._answers[call]
            if isinstance(answer, InRegion):
                assert region == answer.region, call
                answer = answer.answer
            found: Mapping[str, Any] = answer(**given) if callable(answer) else answer
            return found

        return operation

    def get_partition_for_region(self, region: str) -> str:
        """Return the partition, as boto3 does."""
        return "aws-cn" if region.startswith("cn-") else "aws"


@cache
def plan(profile: str) -> Plan:
    """Return what a profile's templates plan."""
    return load_plan(assembly(profile).folder)


@dataclass(frozen=True)
class Case:
    """One question and what the check makes of the answer.

    Args:
        check: its id.
        name: of the case.
        expected: statuses, each with words of the message.
        answers: of the account.
        profile: settings profile.
        context: settings that differ.
        deployed: types of what the stack owns by physical id.
        programs: version by program; a missing one is not on the PATH.
        planned: a plan in place of the profile's.
    """

    check: str
    name: str
    expected: list[tuple[str, str]]
    answers: Answers = field(default_factory=dict)
    profile: str = "dev"
    context: Mapping[str, str] = field(default_factory=dict)
    deployed: Mapping[str, str] = field(default_factory=dict)
    programs: Mapping[str, str] = field(default_factory=dict)
    planned: Callable[[], Plan] | None = None

    def check_context(self) -> tuple[CheckContext, Session]:
        """Return the context of the check, and the session that records its calls."""
        settings = load_settings({**PROFILES[self.profile], **self.context})
        session = Session(self.answers)
        account = Account(settings.region, session)
        return (
            CheckContext(
                settings=settings,
                plan=self.planned() if self.planned else plan(self.profile),
                ask=Ask(account, all_checks()[self.check].calls),
                identity=IDENTITY,
                partition=account.partition(),
                deployed_ids=lambda: self.deployed,
                program=lambda name: name if name in self.programs else None,
                version=lambda name: self.programs[name],
            ),
            session,
        )
