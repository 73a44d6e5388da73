"""Requests of the service, against a web server of a test."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from breakwater_drills import probes
from breakwater_drills.target import Target
from drills_testing.fakes import pages, target
from drills_testing.web import served, served_secure


class Answering(BaseHTTPRequestHandler):
    """Answers with the status that its path names."""

    def do_GET(self) -> None:
        self.send_response(int(self.path[1:] or 200))
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_a_service_is_requested_by_its_url_and_an_error_is_a_failure() -> None:
    on = target()
    with served(Answering) as url:
        probes.service(replace(on, service=replace(on.service, url=url))).request(0)
        with pytest.raises(OSError, match="400"):
            probes.service(replace(on, service=replace(on.service, url=f"{url}/400"))).request(1)
        with pytest.raises(OSError, match="503"):
            probes.service(replace(on, service=replace(on.service, url=f"{url}/503"))).request(1)


def test_the_certificate_of_the_service_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that is not trusted, or of another name, is one that clients would refuse as well."""
    on = target()
    with served_secure(Answering, "localhost", tmp_path) as (port, certificate):

        def request(host: str) -> None:
            probes.service(replace(on, service=replace(on.service, url=f"https://{host}:{port}"))).request(0)

        with pytest.raises(OSError, match="SSLError"):
            request("localhost")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        request("localhost")
        with pytest.raises(OSError, match="SSLError"):
            request("127.0.0.1")


@pytest.fixture
def refusing() -> Iterator[tuple[str, list[int]]]:
    """Give the URL of a server that fails each request in a way that boto3 retries, and the requests it got."""
    got: list[int] = []

    class Refusing(Answering):
        def do_POST(self) -> None:
            got.append(1)
            self.send_response(503)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with served(Refusing) as url:
        yield url, got


@pytest.mark.parametrize("make", [probes.Rows, probes.Items])
def test_a_failed_write_is_not_retried_because_that_would_hide_it(
    refusing: tuple[str, list[int]], make: type[probes.Rows | probes.Items]
) -> None:
    url, got = refusing
    with pytest.raises(ClientError):
        make(target(endpoint=url), "r").write(1)
    assert len(got) == 1


def test_a_probe_gives_up_after_three_seconds() -> None:
    config = target().probe_client("dynamodb").meta.config
    assert (config.connect_timeout, config.read_timeout) == (3.0, 3.0)


def test_a_row_that_was_acknowledged_must_be_read(on: Target) -> None:
    rows, data = probes.Rows(on, "r"), on.client("rds-data")
    data.execute_statement.return_value = {"records": [[{"isNull": True}]]}
    rows.read(0)  # nothing has been written
    rows.write(0)
    with pytest.raises(probes.StaleReadError, match="row 0 is missing"):
        rows.read(1)
    rows.write(7)
    (number,) = data.execute_statement.call_args.kwargs["parameters"]
    assert number == {"name": "number", "value": {"longValue": 7}}
    rows.write(5)
    data.execute_statement.return_value = {"records": [[{"longValue": 7}]]}
    rows.read(1)
    data.execute_statement.return_value = {"records": [[{"longValue": 6}]]}
    with pytest.raises(probes.StaleReadError, match="row 7 is missing"):
        rows.read(2)


def test_an_item_that_was_acknowledged_must_be_read_consistently(on: Target) -> None:
    items, dynamodb = probes.Items(on, "r"), on.client("dynamodb")
    dynamodb.get_item.return_value = {}
    items.read(0)  # nothing has been written
    items.write(0)
    with pytest.raises(probes.StaleReadError, match="item 0 is missing"):
        items.read(1)
    items.write(7)
    items.write(5)
    with pytest.raises(probes.StaleReadError, match="item 7 is missing"):
        items.read(1)
    dynamodb.get_item.return_value = {"Item": {}}
    items.read(2)
    key = {"pk": {"S": "drill#r"}, "sk": {"S": "0000000007"}}
    dynamodb.get_item.assert_called_with(TableName="dr-transactions-x1", Key=key, ConsistentRead=True)


def test_an_item_expires_after_a_day(on: Target) -> None:
    probes.Items(on, "r").write(3)
    item = on.client("dynamodb").put_item.call_args.kwargs["Item"]
    assert (item["pk"], item["sk"]) == ({"S": "drill#r"}, {"S": "0000000003"})
    assert int(item["expires_at"]["N"]) - time.time() == pytest.approx(86400, abs=5)


def test_items_are_found_consistently_in_any_table(on: Target) -> None:
    dynamodb = on.client("dynamodb")
    pages(dynamodb, {"Items": [{"sk": {"S": "0000000003"}}]}, {"Items": [{"sk": {"S": "0000000014"}}]})
    assert probes.Items(on, "r").found("copy") == {3, 14}
    dynamodb.get_paginator.return_value.paginate.assert_called_once_with(
        TableName="copy",
        ConsistentRead=True,
        KeyConditionExpression="#partition = :run",
        ExpressionAttributeNames={"#partition": "pk"},
        ExpressionAttributeValues={":run": {"S": "drill#r"}},
    )


def test_how_long_ago_a_run_wrote_is_read_from_when_its_newest_item_expires(on: Target) -> None:
    items, dynamodb = probes.Items(on, "r"), on.client("dynamodb")
    expires = {"N": str(int(time.time()) + 86400 - 50)}
    dynamodb.query.return_value = {"Items": [{"expires_at": expires}]}
    assert items.idle_seconds() == pytest.approx(50, abs=5)
    dynamodb.query.assert_called_once_with(
        TableName="dr-transactions-x1",
        ConsistentRead=True,
        ScanIndexForward=False,
        Limit=1,
        KeyConditionExpression="#partition = :run",
        ExpressionAttributeNames={"#partition": "pk"},
        ExpressionAttributeValues={":run": {"S": "drill#r"}},
    )
    dynamodb.query.return_value = {"Items": []}
    assert items.idle_seconds() == pytest.approx(86400, abs=5)


def test_a_table_of_the_drill_keeps_when_each_row_was_written(on: Target) -> None:
    columns = "number bigint PRIMARY KEY, written_at timestamptz NOT NULL DEFAULT clock_timestamp()"
    probes.Rows(on, "r").create()
    on.client("rds-data").execute_statement.assert_called_once_with(
        resourceArn="arn:aws:rds:eu-central-1:123456789012:cluster:dr-aurora-x1",
        secretArn="arn:the-secret",
        database="app",
        sql=f"CREATE TABLE drill_r ({columns})",
    )


def test_a_statement_without_parameters_is_sent_without_any(on: Target) -> None:
    data = on.client("rds-data")
    data.execute_statement.return_value = {"records": []}
    assert probes.Rows(on, "r").query("SELECT 1") == []
    assert "parameters" not in data.execute_statement.call_args.kwargs


def test_the_tables_of_all_drills_are_looked_for_by_their_prefix(on: Target) -> None:
    data = on.client("rds-data")
    data.execute_statement.return_value = {"records": [[{"stringValue": "drill_1"}], [{"stringValue": "drill_2"}]]}
    assert probes.Rows(on, "r").tables() == ["drill_1", "drill_2"]
    # An underscore alone would stand for any character.
    parameters = [{"name": "name", "value": {"stringValue": r"drill\_%"}}]
    assert data.execute_statement.call_args.kwargs["parameters"] == parameters
