"""What a client of the load balancer notices while tasks come and go."""

from __future__ import annotations

import http.client
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from embedded_aws.clients import Aws
from embedded_aws.emulator import Emulator
from embedded_testing import Deploy
from embedded_testing.balanced import template
from embedded_testing.running import clients_of
from embedded_testing.service import REPOSITORY, Registry, Service, process

pytestmark = pytest.mark.emulator
PAUSE = 0.005
NAME = "behind-a-balancer"


class Client(threading.Thread):
    """Sends requests one after the other, and counts what comes of them."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self.address, self.seen, self.stopped = address, Counter[str](), threading.Event()

    def run(self) -> None:
        """Ask until it is stopped."""
        while not self.stopped.wait(PAUSE):
            self.seen[self.ask()] += 1

    def ask(self) -> str:
        """Return the status of an answer, or the kind of failure."""
        connection = http.client.HTTPConnection(self.address, timeout=10)
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__
        else:
            return str(answer.status)
        finally:
            connection.close()


@pytest.fixture(scope="module")
def good(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Publish an image; its repository may be there from other tests, and stays for them."""
    ecr = clients_of(emulator)("ecr")
    there = REPOSITORY in {each["repositoryName"] for each in ecr.describe_repositories()["repositories"]}
    if not there:
        ecr.create_repository(repositoryName=REPOSITORY)
    yield Registry(emulator, tmp_path_factory.mktemp("registry")).publish("good")
    if not there:
        ecr.delete_repository(repositoryName=REPOSITORY, force=True)


@pytest.fixture
def service(aws: Aws, deploy: Deploy, good: str) -> Iterator[Service]:
    """Run two tasks behind a load balancer."""
    made = deploy(template())
    ids = made.physical_ids
    aws("ecs").create_cluster(clusterName=NAME)
    service = Service(aws, [ids["One"], ids["Two"]], ids["Targets"], cluster=NAME, name=NAME)
    definition = service.register(good)
    service.create(definition)
    service.until_complete(definition)
    yield service
    aws("ecs").delete_service(cluster=NAME, service=NAME, force=True)
    service.until(lambda: all(task["lastStatus"] == "STOPPED" for task in service.tasks("STOPPED")))


@pytest.fixture
def client(aws: Aws, service: Service) -> Iterator[Client]:
    """Send requests for as long as a test takes."""
    (group,) = aws("elbv2").describe_target_groups(TargetGroupArns=[service.group])["TargetGroups"]
    (balancer,) = aws("elbv2").describe_load_balancers(LoadBalancerArns=group["LoadBalancerArns"])["LoadBalancers"]
    client = Client(balancer["DNSName"])
    client.start()
    yield client
    client.stopped.set()
    client.join()


def test_nobody_notices_that_a_task_is_stopped_or_replaced_by_the_next_revision(
    aws: Aws, service: Service, client: Client, good: str
) -> None:
    before = service.targets()
    aws("ecs").stop_task(cluster=NAME, task=service.tasks()[0]["taskArn"])
    service.until(lambda: len(service.targets()) == 2 and service.targets() != before)
    definition = service.register(good)
    service.update(taskDefinition=definition)
    service.until_complete(definition)
    service.until(lambda: len(service.targets()) == 2 and not set(service.targets()) & set(before))
    assert client.seen.keys() == {"200"}
    assert client.seen["200"] > 20


def test_a_task_that_dies_costs_no_more_than_what_it_had_in_hand(service: Service, client: Client) -> None:
    before = service.targets()
    os.kill(process(service.tasks()[0]), signal.SIGKILL)
    service.until(lambda: len(service.targets()) == 2 and service.targets() != before)
    assert client.seen.keys() <= {"200", "502"}
    assert client.seen["502"] <= 1  # it sends one request after the other
