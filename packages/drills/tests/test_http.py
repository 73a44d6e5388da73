"""Requests of the service, against web servers of a test."""

from __future__ import annotations

import json
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from breakwater_drills.errors import RequestError, aws_answer
from breakwater_drills.http import Answer, Requests
from breakwater_drills.target import Service
from drills_testing.fakes import target
from drills_testing.web import served, served_secure

SERVICE = target().service


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked; keeps the connection."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = {
            "path": self.path,
            "host": self.headers["Host"],
            "type": self.headers.get("Content-Type", ""),
            "key": self.headers.get("Idempotency-Key", ""),
            "body": json.loads(body or "{}"),
            "from": self.client_address[1],
        }
        content = json.dumps(asked).encode()
        self.send_response(404 if self.path.endswith("/missing") else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST  # noqa: N815 (the name that http.server looks for)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_a_connection_is_used_again() -> None:
    with served(Echo) as url:
        asks = Requests(replace(SERVICE, url=f"{url}/boX/"))
        first, second = asks.get("/x"), asks.post("/y", {"a": 1}, {"Idempotency-Key": "k"})
        assert (first.status, first.fields["path"], second.fields["path"]) == (200, "/boX/x", "/boX/y")
        assert (second.fields["body"], second.fields["key"], second.fields["type"]) == (
            {"a": 1},
            "k",
            "application/json",
        )
        assert first.fields["from"] == second.fields["from"]
        assert asks.get("").fields["path"] == "/boX"
        assert Requests(replace(SERVICE, url=url)).get("").fields["path"] == "/"
        assert asks.get("/missing").status == 404


def test_what_aws_answers_is_told_on_one_line() -> None:
    assert aws_answer(ClientError({"Error": {"Code": "Bad", "Message": "one\n  two"}}, "Ask")) == "Bad: one two"
    assert aws_answer(ClientError({"Error": {"Message": "one"}}, "Ask")) == ": one"
    assert aws_answer(ClientError({"Error": {"Code": "Bad"}}, "Ask")) == "Bad: AWS gives no reason"


def test_what_is_not_answered_is_an_error_in_one_word() -> None:
    with served(Echo) as url:
        port = url.rpartition(":")[2]
    with pytest.raises(RequestError, match=r"^NewConnectionError$"):
        Requests(replace(SERVICE, url=f"http://127.0.0.1:{port}")).get("/")


@pytest.mark.parametrize("content", [b"no JSON", b"[1]", b"\xff"])
def test_an_answer_without_an_object_has_no_fields(content: bytes) -> None:
    class Odd(Echo):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with served(Odd) as url:
        assert Requests(replace(SERVICE, url=url)).get("/") == Answer(200, {})


def test_the_certificate_of_a_name_is_verified_where_the_name_does_not_lead_to_the_service(tmp_path: Path) -> None:
    with served_secure(Echo, "payments.example.com", tmp_path) as (port, certificate):
        service: Service = replace(
            SERVICE, url="https://payments.example.com", connect_to=f"127.0.0.1:{port}", authority=str(certificate)
        )
        assert Requests(service).get("/x").fields["host"] == "payments.example.com"
        for wrong in (replace(service, url="https://other.example.com"), replace(service, authority="")):
            with pytest.raises(RequestError, match=r"^SSLError$"):
                Requests(wrong).get("/x")
