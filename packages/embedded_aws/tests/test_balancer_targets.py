"""Targets: their states and the reasons, who gets the next request, and how one leaves."""

from __future__ import annotations

import asyncio
import time

import pytest

from embedded_aws.server.balancer.checks import matches
from embedded_testing.balancing import HOST, OK, Handler, Lab, answering, balanced, get, named, run, say, status, turns

PERCENTAGE = "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage"
COUNT = "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count"


def test_healthy_targets_take_turns() -> None:
    async def test() -> None:
        async with balanced(*map(named, "abc")) as lab:
            assert await turns(lab, 9) == {"a": 3, "b": 3, "c": 3}
            lab.group.mark(next(iter(lab.group.members.values())), "unhealthy")
            assert sorted((await turns(lab, 8)).values()) == [4, 4]

    run(test)


@pytest.mark.parametrize(
    ("changed", "healthy", "asked"),
    [({}, 0, 4), ({}, 1, 1), ({COUNT: "3"}, 2, 4), ({COUNT: "3"}, 3, 3), ({PERCENTAGE: "75"}, 2, 4),
     ({PERCENTAGE: "50", COUNT: "off"}, 2, 2)],
)  # fmt: skip
def test_too_few_healthy_targets_let_all_of_them_have_requests(
    changed: dict[str, str], healthy: int, asked: int
) -> None:
    async def test() -> None:
        async with balanced(*map(named, "abcd")) as lab:
            lab.changed = changed
            for target in list(lab.group.members.values())[healthy:]:
                lab.group.mark(target, "unhealthy")
            assert len(await turns(lab, 8)) == asked

    run(test)


def test_targets_without_a_process_are_healthy_and_get_no_request() -> None:
    async def test() -> None:
        async with balanced(named("a")) as lab:
            lab.paper = {"10.0.0.4"}
            (real,) = lab.group.members
            lab.register(real, ("10.0.0.4", 8080), healthy=False)
            await lab.state("healthy")
            assert await turns(lab, 4) == {"a": 4}
            lab.register(("10.0.0.4", 8080))
            assert status(await say(lab.balancer.port, get())) == 503

    run(test)


def test_a_target_whose_process_has_ended_gets_no_request() -> None:
    async def test() -> None:
        async with balanced(*map(named, "ab")) as lab:
            one, other = lab.group.members.values()
            one.lost = True
            assert len(await turns(lab, 4)) == 1
            other.lost = True
            assert status(await say(lab.balancer.port, get())) == 503

    run(test)


def checked(answer: bytes, seen: list[bytes] | None = None) -> Handler:
    return answering(answer, seen=seen)


SLOW = b"HTTP/1.1 200 OK\r\nContent-Le"


async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(SLOW)
    await reader.read()
    await asyncio.sleep(9)


@pytest.mark.parametrize(
    ("handler", "reason", "words"),
    [
        (checked(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"), "Target.ResponseCodeMismatch",
         "Health checks failed with these codes: [503]"),
        (checked(b"nonsense\r\n\r\n"), "Target.FailedHealthChecks", "Health checks failed"),
        (checked(b""), "Target.FailedHealthChecks", "Health checks failed"),
        (half, "Target.Timeout", "Request timed out"),
    ],
)  # fmt: skip
def test_an_unhealthy_target_says_why_and_each_further_failure_is_told(
    handler: Handler, reason: str, words: str
) -> None:
    async def test() -> None:
        lab = Lab()
        lab.settings |= {"HealthCheckIntervalSeconds": 0.2, "HealthCheckTimeoutSeconds": 0.1}
        async with balanced(handler, lab=lab):
            (address,) = lab.group.members
            lab.register()
            lab.told.clear()
            lab.register(address, healthy=False)
            await lab.state("unhealthy", reason)
            assert lab.group.members[address].description == words
            async with asyncio.timeout(5):
                while lab.told.count((address, "unhealthy", reason)) < 3:
                    await asyncio.sleep(0.01)

    run(test)


def test_a_check_asks_what_the_group_says_and_one_success_makes_a_new_target_healthy() -> None:
    async def test() -> None:
        seen: list[bytes] = []
        async with balanced(checked(b"HTTP/1.1 299 Fine\r\n\r\n", seen)) as lab:
            (address,) = lab.group.members
            lab.settings |= {"Matcher": {"HttpCode": "204,250-299"}, "HealthCheckPath": "/well?yes=1"}
            lab.register(("127.0.0.9", 7), healthy=False)
            lab.settings["HealthCheckPort"] = str(address[1])
            lab.paper = set()
            lab.register(address, healthy=False)
            await lab.state("healthy")
            assert (
                seen[-1]
                == (
                    f"GET /well?yes=1 HTTP/1.1\r\nHost: {HOST}:{address[1]}\r\nConnection: close\r\n"
                    "User-Agent: ELB-HealthChecker/2.0\r\nAccept-Encoding: gzip, compressed\r\n\r\n"
                ).encode()
            )

    run(test)


@pytest.mark.parametrize(
    ("codes", "yes", "no"), [("200", [200], [201]), ("200,202", [200, 202], [201]), ("200-299", [200, 299], [199, 300])]
)
def test_a_matcher_is_a_status_a_list_or_a_range(codes: str, yes: list[int], no: list[int]) -> None:
    assert all(matches(codes, each) for each in yes)
    assert not any(matches(codes, each) for each in no)


def test_thresholds_count_and_the_first_checks_of_a_target_may_only_succeed() -> None:
    async def test() -> None:
        answers = {"now": b"HTTP/1.1 500 No\r\n\r\n"}
        checks: list[float] = []

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            checks.append(time.monotonic())
            writer.write(answers["now"])

        lab = Lab()
        lab.settings |= {"HealthCheckIntervalSeconds": 1.2, "UnhealthyThresholdCount": 2, "HealthyThresholdCount": 3}
        async with balanced(answer, lab=lab):
            (address,) = lab.group.members
            lab.register()
            lab.told.clear()
            began = time.monotonic()
            lab.register(address, healthy=False)
            await lab.state("unhealthy", "Target.ResponseCodeMismatch")
            # Checked every half second, but unhealthy only after two checks an interval apart.
            assert len(checks) >= 3
            assert 1.1 <= time.monotonic() - began < 2.4
            lab.settings["HealthCheckIntervalSeconds"] = 0.1
            answers["now"] = OK
            recovering = len(checks)
            await lab.state("healthy")
            assert len(checks) - recovering in (3, 4)  # one may have been on the way

    run(test)


def test_a_group_that_no_listener_uses_is_not_checked() -> None:
    async def test() -> None:
        async with balanced(named("a")) as lab:
            (address,) = lab.group.members
            target = lab.group.members[address]
            lab.group.sync({address}, used=False)
            assert (target.state, target.reason, target.watcher) == ("unused", "Target.NotInUse", None)
            lab.group.sync({address}, used=True)
            assert (target.state, target.reason) == ("initial", "Elb.RegistrationInProgress")
            await lab.state("healthy")
            lab.group.sync({address}, used=False)
            lab.group.sync(set(), used=False)
            assert lab.group.leaving == []
            assert target.done

    run(test)
