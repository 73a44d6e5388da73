"""Requests and refusals, as each protocol of AWS writes them.

https://smithy.io/2.0/aws/protocols/index.html
"""

import json
import re
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape, unescape
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl

from embedded_aws.server.refusals import RefusedError

Answer: TypeAlias = tuple[int, dict[str, Any], bytes]

_CODE: Final = re.compile(rb"<Code>(.*?)</Code>", re.DOTALL)
_MESSAGE: Final = re.compile(rb"<Message>(.*?)</Message>", re.DOTALL)
_REQUEST_ID: Final = "00000000-0000-0000-0000-000000000000"
_FIRST_ERROR: Final = 400


@dataclass(frozen=True)
class Request:
    """A request, whatever its protocol.

    Attributes:
        service: botocore's name of the service.
        operation: the operation that is called.
        path: of the URL.
        given: parameters: the members of a JSON body, or the fields of a form and of the query, as text.
        body: of the request.
        own: whether the embedded AWS itself makes it, e.g. to restore a backup of its own.
    """

    service: str
    operation: str
    path: str
    given: Mapping[str, Any]
    body: bytes
    own: bool = False

    def text(self, name: str) -> str:
        """Return a parameter as text; empty when it is not given."""
        return str(self.given.get(name, ""))

    def listed(self, prefix: str, part: str = "") -> list[str]:
        """Return the members of a list in a form in order, e.g. `Names.member.1`, or `Tags.member.1.Key`.

        Args:
            prefix: before the number.
            part: behind the number; empty when the members are plain.
        """
        numbered = re.compile(rf"{re.escape(prefix)}\.(\d+){re.escape(f'.{part}' if part else '')}")
        found = ((numbered.fullmatch(name), value) for name, value in self.given.items())
        return [value for _, value in sorted((int(match[1]), value) for match, value in found if match)]


class Xml:
    """An answer in XML, or a part of it, to be changed in place; names are without their namespace.

    Args:
        node: the part.
    """

    def __init__(self, node: ET.Element) -> None:
        self.node = node
        self._namespace = node.tag.partition("}")[0] + "}" if node.tag.startswith("{") else ""

    def every(self, name: str) -> list["Xml"]:
        """Return every part of a name, however deep."""
        return [Xml(node) for node in self.node.iter(f"{self._namespace}{name}")]

    def members(self, name: str) -> list["Xml"]:
        """Return the members of a list that stands somewhere in this part."""
        return [Xml(node) for parts in self.every(name) for node in parts.node]

    def text(self, name: str) -> str:
        """Return the text of a direct part; empty when there is none."""
        return self.node.findtext(f"{self._namespace}{name}") or ""

    def put(self, name: str, value: object, member: str = "member") -> None:
        """Set a direct part: text, a number, a truth value, a mapping or a list of any of these.

        Args:
            name: of the part.
            value: of the part.
            member: the name of a member of a list.
        """
        self.remove(name)
        self._add(self.node, name, value, member)

    def default(self, name: str, value: object, member: str = "member") -> None:
        """Set a direct part, unless there is one."""
        if self.node.find(f"{self._namespace}{name}") is None:
            self._add(self.node, name, value, member)

    def append(self, name: str, value: object) -> None:
        """Add a direct part behind those of the same name."""
        self._add(self.node, name, value, "member")

    def remove(self, name: str) -> None:
        """Remove the direct parts of a name."""
        for part in self.node.findall(f"{self._namespace}{name}"):
            self.node.remove(part)

    def _add(self, parent: ET.Element, name: str, value: object, member: str) -> None:
        made = ET.SubElement(parent, f"{self._namespace}{name}")
        if isinstance(value, Mapping):
            for key, each in value.items():
                self._add(made, key, each, member)
        elif isinstance(value, list):
            for each in value:
                self._add(made, member, each, member)
        else:
            made.text = str(value).lower() if isinstance(value, bool) else str(value)


Json: TypeAlias = dict[str, Any]
Check: TypeAlias = Callable[[Request], RefusedError | None]
"""Returns why AWS refuses a request; None when it does not."""
Completion: TypeAlias = Callable[[Request, Any], RefusedError | None]
"""Changes an answer, which is `Json` or `Xml`, in place; returns why AWS refuses it instead, or None."""


def completed(request: Request, answer: Answer, complete: Completion) -> Answer:
    """Return a successful answer with what AWS also says in it."""
    status, headers, body = answer
    content: Any = json.loads(body) if body.lstrip().startswith(b"{") else Xml(_parsed(body))
    refusal = complete(request, content)
    if refusal:
        return refused(request.service, refusal)
    said = ET.tostring(content.node, encoding="utf-8") if isinstance(content, Xml) else json.dumps(content).encode()
    if "x-amz-crc32" in headers:  # DynamoDB's clients check it
        headers = {**headers, "x-amz-crc32": str(zlib.crc32(said))}
    return status, headers, said


def _parsed(body: bytes) -> ET.Element:
    root = ET.fromstring(body)  # noqa: S314 (written by ministack)
    if root.tag.startswith("{"):
        ET.register_namespace("", root.tag[1:].partition("}")[0])
    return root


def parameters(body: bytes, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a request from its body and its query."""
    if body.startswith(b"{"):
        try:
            return dict(json.loads(body))
        except ValueError:
            return {}
    form = dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True)) if b"Action=" in body else {}
    return {**{name: value[0] if isinstance(value, list) else value for name, value in query.items()}, **form}


def refused(service: str, refusal: RefusedError) -> Answer:
    """Return the answer that refuses a request of a service."""
    code, message = escape(refusal.code), escape(refusal.message, quote=False)
    match service:
        case "ec2":
            body = (
                f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
                f"<RequestID>{_REQUEST_ID}</RequestID></Response>"
            )
        case "s3":
            body = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{_REQUEST_ID}</RequestId></Error>"
        case "elbv2" | "iam" | "rds" | "sns" | "sts" | "cloudformation":
            body = (
                f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
                f"<RequestId>{_REQUEST_ID}</RequestId></ErrorResponse>"
            )
        case _:
            headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": refusal.code}
            # A Query code is what SQS shows its clients.
            headers |= {"x-amzn-query-error": f"{refusal.code};Sender"} if service == "sqs" else {}
            named = {"__type": refusal.code, "message": refusal.message, "Message": refusal.message}
            return refusal.status, headers, json.dumps(named).encode()
    return refusal.status, {"Content-Type": "text/xml"}, body.encode()


def refusal_of(answer: Answer) -> RefusedError | None:
    """Return the refusal in an answer; None when it is not refused, or not by a service."""
    status, headers, body = answer
    if status < _FIRST_ERROR:
        return None
    if body.lstrip().startswith(b"{"):
        said = json.loads(body)
        code = said.get("__type") or said.get("code") or headers.get("x-amzn-errortype") or ""
        return RefusedError(str(code).rpartition("#")[2], str(said.get("message") or said.get("Message") or ""), status)
    code, message = _CODE.search(body), _MESSAGE.search(body)
    return RefusedError(_plain(code), _plain(message), status) if code and message else None


def _plain(found: re.Match[bytes]) -> str:
    return unescape(found[1].decode())
