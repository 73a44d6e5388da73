"""The facts' calls, made against an embedded AWS."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from embedded_aws.clients import Aws
from embedded_testing.answers import differences, value_at
from embedded_testing.facts import Fact, read
from embedded_testing.stack import deploy

_NAME = re.compile(r"\$\{(\w+)\}")


class Replay:
    """Makes the facts' calls; each preparation is made once, when a fact first needs it.

    Args:
        aws: clients of the embedded AWS.
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._preparations = read("preparations")
        self._prepared: set[str] = set()
        self._values: dict[str, str] = {}

    def differences(self, fact: Fact) -> list[str]:
        """Return in what the embedded AWS answers a fact's call differently, one line each."""
        for name in fact.given:
            self._prepare(name)
        try:
            answer = self._call(fact.call, self._filled(fact.with_))
        except ClientError as error:
            return list(self._refusal_differences(fact, error))
        if fact.code:
            return [f"{fact.call} is accepted instead of refused with {fact.code}"]
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        wrong_status = [] if status == fact.status else [f"status is {status} instead of {fact.status}"]
        return [*wrong_status, *differences(answer, self._filled(fact.answer))]

    def _refusal_differences(self, fact: Fact, error: ClientError) -> Iterator[str]:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
        if not fact.code:
            yield f"{fact.call} is refused: {error}"
            return
        if code != fact.code:
            yield f"code is {code} instead of {fact.code} ({message})"
        if status != fact.status:
            yield f"status is {status} instead of {fact.status}"
        pattern = _NAME.sub(lambda found: re.escape(self._values[found[1]]), fact.message)
        if pattern and not re.fullmatch(pattern, message, re.DOTALL):
            yield f"message is {message!r} instead of {pattern!r}"

    def _prepare(self, name: str) -> None:
        if name in self._prepared:
            return
        self._prepared.add(name)
        made = self._preparations[name]
        for needed in made.get("given", ()):
            self._prepare(needed)
        self._values |= made.get("values", {})
        if "resources" in made:
            stack = deploy(self._aws, f"facts-{name}", {"Resources": self._filled(made["resources"])})
            assert stack.status == "CREATE_COMPLETE", f"preparation {name}: {stack.status}"
            self._values |= stack.physical_ids
        for step in made.get("calls", ()):
            answer = self._call(step["call"], self._filled(step.get("with", {})))
            for kept, path in step.get("keep", {}).items():
                self._values[kept] = str(value_at(answer, path))

    def _call(self, call: str, arguments: Mapping[str, Any]) -> Any:
        service, operation = call.split()
        return getattr(self._aws(service), xform_name(operation))(**arguments)

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str):
            return _NAME.sub(lambda found: self._values[found[1]], value)
        if isinstance(value, Mapping):
            return {self._filled(key): self._filled(each) for key, each in value.items()}
        return [self._filled(each) for each in value] if isinstance(value, list) else value
