"""Addresses of tasks: each is somewhere on loopback, no two are in one place, and a place that is taken is passed."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedded_aws.server import addresses
from embedded_aws.server.addresses import Lease, lease, on_paper, reachable, release

SUBNET = "10.241.7.0/28"
_USABLE = 11  # of 16: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html


@pytest.fixture(autouse=True)
def none_given() -> Iterator[None]:
    addresses._turns.clear()
    yield
    for each in list(addresses._leases.values()):
        release(each)


def listen(host: str, port: int) -> socket.socket:
    return socket.create_server((host, port))


def test_a_task_listens_where_its_address_says() -> None:
    first, second = lease(SUBNET, [8080]), lease(SUBNET, [8080, 8081])
    assert (first.address, second.address) == ("10.241.7.4", "10.241.7.5")
    assert reachable("10.241.7.4", 8080) == ("127.241.7.4", 8080)
    assert reachable("10.241.7.5", 8081) == ("127.241.7.5", 8081)
    assert reachable("10.241.7.5", 8082) is None
    assert reachable("10.241.7.9", 8080) is None
    with listen("127.241.7.4", 8080):
        assert not on_paper("10.241.7.4")
    release(first)
    assert reachable("10.241.7.4", 8080) is None
    assert lease(SUBNET, [8080]).address == "10.241.7.6", "an address is not given again at once"


def test_a_target_on_loopback_is_where_it_says() -> None:
    assert reachable("127.0.0.1", 80) == ("127.0.0.1", 80)
    assert not on_paper("127.0.0.1")


def test_a_task_on_paper_has_an_address_and_no_port() -> None:
    given_ = lease(SUBNET, [])
    assert on_paper(given_.address)
    assert reachable(given_.address, 8080) is None


def test_where_something_listens_already_a_task_gets_another_port_and_is_told_so() -> None:
    with listen("127.241.7.4", 8080):
        given_ = lease(SUBNET, [8080])
        assert (given_.address, given_.host) == ("10.241.7.4", "127.241.7.4")
        assert given_.port(8080) != 8080
        assert reachable("10.241.7.4", 8080) == ("127.241.7.4", given_.port(8080))


def test_two_embedded_aws_do_not_give_out_the_same_place() -> None:
    ours = lease(SUBNET, [8080])
    theirs = addresses._held(ours.address, [8080])  # as another process would, which has its own table
    assert (theirs.host, theirs.port(8080)) != (ours.host, ours.port(8080))
    release(theirs)
    assert reachable(ours.address, 8080) == (ours.host, 8080), "what others give back is not ours"


def test_a_system_with_one_loopback_address_has_a_port_for_each_task(monkeypatch: pytest.MonkeyPatch) -> None:
    hold = addresses._hold

    def only_one(host: str, port: int) -> socket.socket:
        if host != "127.0.0.1":
            raise OSError(errno.EADDRNOTAVAIL, "Can't assign requested address")
        return hold(host, port)

    monkeypatch.setattr(addresses, "_hold", only_one)
    found = [lease(SUBNET, [8080]) for _ in range(3)]
    assert {each.host for each in found} == {"127.0.0.1"}
    assert len({each.port(8080) for each in found}) == 3


def test_where_nothing_is_free_the_task_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_host: str, _port: int) -> socket.socket:
        raise OSError(errno.EADDRINUSE, "Address already in use")

    monkeypatch.setattr(addresses, "_hold", none)
    with pytest.raises(RuntimeError, match=r"no port of 127\.241\.7\.4 or 127\.0\.0\.1 is free for a task"):
        lease(SUBNET, [8080])
    assert not on_paper("10.241.7.4")


def test_what_was_held_for_a_task_that_did_not_get_all_its_ports_is_free_again() -> None:
    with listen("127.241.7.4", 8081):
        given_ = lease(SUBNET, [8080, 8081])
    assert given_.port(8080) != 8080
    with listen("127.241.7.4", 8080):
        release(given_)


def test_a_full_subnet_has_no_address_left() -> None:
    assert len({lease(SUBNET, []).address for _ in range(_USABLE)}) == _USABLE
    with pytest.raises(RuntimeError, match=r"10\.241\.7\.0/28 has no free address: each of its 11 addresses"):
        lease(SUBNET, [])


@settings(deadline=None, max_examples=30)
@given(st.lists(st.one_of(st.none(), st.integers(0, 7)), max_size=30))
def test_no_two_tasks_ever_share_an_address_or_a_place(steps: list[int | None]) -> None:
    there: list[Lease] = []
    for step in steps:
        if step is None and len(there) < _USABLE:
            there.append(lease(SUBNET, [8080]))
        elif step is not None and there:
            release(there.pop(step % len(there)))
        assert len({each.address for each in there}) == len(there)
        assert len({(each.host, each.port(8080)) for each in there}) == len(there)
    for each in there:
        release(each)
