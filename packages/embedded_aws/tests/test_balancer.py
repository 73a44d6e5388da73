"""Load balancers of the embedded AWS: made by a stack or by the API, they answer, and go with what declared them."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from embedded_aws.clients import Aws
from embedded_aws.emulator import Emulator
from embedded_testing import Deploy
from embedded_testing.balanced import template
from embedded_testing.running import eventually as eventually_within

pytestmark = pytest.mark.emulator
HOST = "127.0.0.1"
SECONDS = 20
eventually = partial(eventually_within, seconds=SECONDS)


class Target(BaseHTTPRequestHandler):
    """Answers with its port, and with the status that a test wants."""

    protocol_version = "HTTP/1.1"
    status = 200

    def do_GET(self) -> None:
        body = str(self.connection.getsockname()[1]).encode()
        self.send_response(type(self).status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def targets() -> Iterator[list[int]]:
    """Run two targets, and return their ports."""
    Target.status = 200
    servers = [ThreadingHTTPServer((HOST, 0), Target) for _ in range(2)]
    for server in servers:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield [int(server.server_address[1]) for server in servers]
    for server in servers:
        server.shutdown()
        server.server_close()


def ask(address: str, path: str = "/") -> tuple[int, str]:
    connection = HTTPConnection(address, timeout=SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def health(aws: Aws, group: str, *asked: dict[str, Any]) -> dict[int, tuple[str, str]]:
    request = {"Targets": list(asked)} if asked else {}
    found = aws("elbv2").describe_target_health(TargetGroupArn=group, **request)["TargetHealthDescriptions"]
    return {
        each["Target"]["Port"]: (each["TargetHealth"]["State"], each["TargetHealth"].get("Reason", ""))
        for each in found
    }


def test_a_stack_makes_a_load_balancer_that_answers_and_that_goes_with_it(
    deploy: Deploy, delete: Callable[[], None], aws: Aws, targets: list[int]
) -> None:
    made = deploy(template())
    elb, address, group = aws("elbv2"), made.outputs["Address"], made.physical_ids["Targets"]
    (described,) = elb.describe_load_balancers(LoadBalancerArns=[made.physical_ids["Balancer"]])["LoadBalancers"]
    assert described["DNSName"] == address
    assert ask(address)[0] == 503

    ids = [{"Id": HOST, "Port": port} for port in targets]
    elb.register_targets(TargetGroupArn=group, Targets=ids)
    assert {state for state, _ in health(aws, group).values()} <= {"initial", "healthy"}
    eventually(lambda: health(aws, group) == dict.fromkeys(targets, ("healthy", "")))
    assert sorted(ask(address) for _ in range(4)) == [(200, str(port)) for port in sorted(targets * 2)]

    elb.deregister_targets(TargetGroupArn=group, Targets=ids[:1])
    expected = {targets[0]: ("draining", "Target.DeregistrationInProgress"), targets[1]: ("healthy", "")}
    assert health(aws, group) == expected
    assert {ask(address) for _ in range(3)} == {(200, str(targets[1]))}
    eventually(lambda: health(aws, group) == {targets[1]: ("healthy", "")})
    assert health(aws, group, ids[0]) == {targets[0]: ("unused", "Target.NotRegistered")}

    # What is changed at run time takes effect at once.
    arn = made.physical_ids["Listener"]
    fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "299", "MessageBody": "closed"}}
    elb.modify_listener(ListenerArn=arn, DefaultActions=[fixed])
    assert ask(address) == (299, "closed")
    eventually(lambda: health(aws, group) == {targets[1]: ("unused", "Target.NotInUse")})
    rule = elb.create_rule(
        ListenerArn=arn,
        Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/in/*"]}],
        Actions=[{"Type": "forward", "TargetGroupArn": group}],
    )["Rules"][0]["RuleArn"]
    eventually(lambda: health(aws, group) == {targets[1]: ("healthy", "")})
    assert [ask(address, path)[0] for path in ("/out", "/in/a?b=c")] == [299, 200]
    elb.delete_rule(RuleArn=rule)

    delete()
    with pytest.raises(ConnectionRefusedError):
        ask(address)


def test_a_failing_target_is_found_and_told_to_cloudwatch(deploy: Deploy, aws: Aws, targets: list[int]) -> None:
    made = deploy(template())
    group, address = made.physical_ids["Targets"], made.outputs["Address"]
    aws("elbv2").register_targets(TargetGroupArn=group, Targets=[{"Id": HOST, "Port": targets[0]}])
    eventually(lambda: health(aws, group) == {targets[0]: ("healthy", "")})
    Target.status = 500
    eventually(lambda: health(aws, group) == {targets[0]: ("unhealthy", "Target.ResponseCodeMismatch")})
    (found,) = aws("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert found["TargetHealth"]["Description"] == "Health checks failed with these codes: [500]"
    assert found["HealthCheckPort"] == str(targets[0])
    assert ask(address) == (500, str(targets[0]))  # fail open

    whole = {"Name": "LoadBalancer", "Value": made.physical_ids["Balancer"].partition(":loadbalancer/")[2]}
    both = [{"Name": "TargetGroup", "Value": group.rpartition(":")[2]}, whole]

    def most(name: str, dimensions: list[dict[str, str]]) -> float:
        found = aws("cloudwatch").get_metric_statistics(
            Namespace="AWS/ApplicationELB", MetricName=name, Dimensions=dimensions, Period=60, Statistics=["Maximum"],
            StartTime=time.time() - 300, EndTime=time.time() + 60,
        )  # fmt: skip
        return max((float(each["Maximum"]) for each in found["Datapoints"]), default=0.0)

    eventually(lambda: most("UnHealthyHostCount", both) == 1)
    eventually(lambda: most("HTTPCode_Target_5XX_Count", both) == most("HTTPCode_Target_5XX_Count", [whole]) == 1)
    assert most("RequestCount", [whole]) == 1
    eventually(lambda: 0 < most("TargetResponseTime", both) < 5)
    assert most("HTTPCode_ELB_5XX_Count", [whole]) == 0


def test_the_api_makes_load_balancers_whose_ports_follow_the_emulators(
    deploy: Deploy, aws: Aws, emulator: Emulator
) -> None:
    made = deploy({name: each for name, each in template()["Resources"].items() if name in ("Vpc", "One", "Two")})
    running = emulator.running()
    assert running
    elb, subnets = aws("elbv2"), [made.physical_ids["One"], made.physical_ids["Two"]]
    balancers = [
        elb.create_load_balancer(Name=name, Subnets=subnets, Scheme="internal")["LoadBalancers"][0]
        for name in ("first", "second")
    ]
    ports = [int(each["DNSName"].removeprefix(f"{HOST}:")) for each in balancers]
    assert running.port < ports[0] < ports[1] <= running.port + 200
    network = elb.create_load_balancer(Name="third", Subnets=subnets, Type="network")["LoadBalancers"][0]
    assert network["DNSName"].endswith(".elb.amazonaws.com")
    for each in (*balancers, network):
        elb.delete_load_balancer(LoadBalancerArn=each["LoadBalancerArn"])
    for each in balancers:
        with pytest.raises(ConnectionRefusedError):
            ask(each["DNSName"])


def test_an_https_listener_has_a_certificate_for_the_names_of_its_own(
    deploy: Deploy, aws: Aws, emulator: Emulator
) -> None:
    acm = aws("acm")
    certificate = acm.request_certificate(DomainName="pay.test", SubjectAlternativeNames=["pay.test", "api.pay.test"])
    fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}
    own = {"Port": 443, "Certificates": [{"CertificateArn": certificate["CertificateArn"]}], "DefaultActions": [fixed]}
    made = deploy(template("HTTPS", **own))
    host, _, port = made.outputs["Address"].partition(":")
    trusting = ssl.create_default_context(cafile=str(emulator.authority))
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT  # Python's default from 3.13 on
    for name in ("pay.test", "api.pay.test"):
        with (
            socket.create_connection((host, int(port)), SECONDS) as plain,
            trusting.wrap_socket(plain, server_hostname=name) as connection,
        ):
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
