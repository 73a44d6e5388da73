"""Targets that leave: what is in flight ends, nothing else begins, and the delay is the limit."""

from __future__ import annotations

import asyncio
import time

from embedded_testing.balancing import OK, Handler, Lab, balanced, get, named, run, say, status, turns


def waiting(began: asyncio.Event, go_on: asyncio.Event) -> Handler:
    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        began.set()
        await go_on.wait()
        writer.write(OK)
        await reader.read()

    return wait


def test_a_leaving_target_ends_its_requests_and_gets_no_other() -> None:
    async def test() -> None:
        began, go_on = asyncio.Event(), asyncio.Event()
        lab = Lab()
        lab.changed = {"deregistration_delay.timeout_seconds": "1"}
        async with balanced(waiting(began, go_on), named("b"), lab=lab):
            leaves, stays = (lab.group.members[each] for each in lab.addresses)
            leaves.turn, stays.turn = 0, 1
            request = asyncio.ensure_future(say(lab.balancer.port, get()))
            await began.wait()
            lab.register(stays.address)
            assert (leaves.state, leaves.done) == ("draining", False)
            assert await turns(lab, 4) == {"b": 4}
            go_on.set()
            assert status(await request) == 200
            await asyncio.sleep(0.05)
            assert (leaves.state, leaves.done) == (
                "draining",
                True,
            )  # nothing is in flight, and it says so until the end
            await lab.state("unused", "Target.NotRegistered")
            assert lab.group.leaving == []

    run(test)


def test_the_deregistration_delay_ends_what_does_not_end_by_itself() -> None:
    async def test() -> None:
        began = asyncio.Event()
        lab = Lab()
        lab.changed = {"deregistration_delay.timeout_seconds": "0.3"}
        async with balanced(waiting(began, asyncio.Event()), lab=lab):
            request = asyncio.ensure_future(say(lab.balancer.port, get()))
            await began.wait()
            (target,) = lab.group.members.values()
            since = time.monotonic()
            lab.register()
            assert status(await request) == 502
            assert 0.25 <= time.monotonic() - since < 2
            assert target.done

    run(test)


def test_a_target_that_comes_back_while_it_leaves_is_a_new_one() -> None:
    async def test() -> None:
        async with balanced(named("a")) as lab:
            (address,) = lab.group.members
            old = lab.group.members[address]
            assert await turns(lab, 1) == {"a": 1}
            lab.register()
            lab.register(address)
            assert lab.group.members[address] is not old
            assert lab.group.leaving == [old]
            assert await turns(lab, 2) == {"a": 2}
            await asyncio.sleep(0)
            assert old.done

    run(test)
