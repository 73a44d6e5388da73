"""Around ministack's handler of each service: requests that AWS refuses, refusals in its words, complete answers."""

import re
import tomllib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias
from urllib.parse import urlencode

from embedded_aws.server import operations, upstream
from embedded_aws.server.answers import balancing, compute, data, identity, messaging, network
from embedded_aws.server.answers.wire import Answer, Request, completed, parameters, refusal_of, refused
from embedded_aws.server.refusals import RefusedError

Handler: TypeAlias = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Any]]

# ministack's names of the services whose answers are changed.
_SERVICES = (
    "application-autoscaling", "dynamodb", "ec2", "ecr", "ecs", "elasticloadbalancing", "events", "iam", "kms",
    "lambda", "logs", "rds", "s3", "secretsmanager", "sns", "sqs", "ssm", "cloudformation", "backup", "sts",
    "servicequotas", "fis",
)  # fmt: skip
_PARTS = (balancing, compute, data, identity, messaging, network)
_CHECKS = {name: check for part in _PARTS for name, check in part.CHECKS.items()}
_COMPLETIONS = {name: complete for part in _PARTS for name, complete in part.COMPLETIONS.items()}


def install() -> None:
    """Wrap the handlers."""
    for name in _SERVICES:
        if name in upstream.service_handlers:
            upstream.service_handlers[name] = _as_aws(upstream.service_handlers[name])
    upstream.data_api.wrap(_as_aws)  # routed by its paths, beside the table of handlers


def _as_aws(handle: Handler) -> Handler:
    async def handle_as_aws(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
        named = operations.operation(method, path, urlencode(query, doseq=True), headers, body)
        if named is None:  # presigned, or a call of ministack to itself
            return await handle(method, path, headers, body, query)
        service, _, operation = named.partition(" ")
        request = Request(
            service,
            operation,
            path,
            parameters(body, query),
            body,
            own=operations.OWN_AGENT in headers.get("user-agent", ""),
        )
        check = _CHECKS.get(named)
        refusal = check(request) if check else None
        if refusal:
            return refused(service, refusal)
        answer = await handle(method, path, headers, body, query)
        return _corrected(request, answer) if _is_plain(answer) else answer

    return handle_as_aws


def _is_plain(answer: Any) -> bool:
    return isinstance(answer, tuple) and len(answer) == 3 and isinstance(answer[2], bytes)


def _corrected(request: Request, answer: Answer) -> Answer:
    refusal = refusal_of(answer)
    if refusal is None:
        complete = _COMPLETIONS.get(f"{request.service} {request.operation}")
        return completed(request, answer, complete) if complete and answer[0] < 400 else answer
    for correction in _corrections(request.service):
        if meant := correction.of(request, refusal):
            return refused(request.service, meant)
    return answer


@dataclass(frozen=True)
class Correction:
    """How AWS says what ministack says.

    Attributes:
        operations: those it is about; empty for every operation of the service.
        code: that ministack answers.
        message: a regular expression for the whole of its message.
        says: AWS's code, status and message, as far as they differ; the message may refer to groups.
    """

    operations: tuple[str, ...]
    code: str
    message: re.Pattern[str]
    says: Mapping[str, Any]

    def of(self, request: Request, refusal: RefusedError) -> RefusedError | None:
        """Return what AWS says instead; None when this correction is about something else."""
        matched = self.message.fullmatch(refusal.message)
        if refusal.code != self.code or not matched or (self.operations and request.operation not in self.operations):
            return None
        message = matched.expand(self.says["message"]) if "message" in self.says else refusal.message
        scope = {"account": upstream.account(), "region": upstream.region()}
        return RefusedError(
            self.says.get("code", refusal.code),
            re.sub(r"\{(account|region)\}", lambda found: str(scope[found[1]]), message),
            self.says.get("status", refusal.status),
        )


@cache
def _corrections(service: str) -> tuple[Correction, ...]:
    table = tomllib.loads(files(__package__).joinpath("corrections.toml").read_text(encoding="utf-8"))
    return tuple(
        Correction(tuple(row.get("operations", ())), row["code"], re.compile(row["message"], re.DOTALL), row["says"])
        for row in table.get(service, ())
    )
