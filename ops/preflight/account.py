"""The account: every call goes through here, and every way in which AWS can refuse becomes a plain sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
)

# Seconds, and attempts in all: a check must not take as long as a deployment.
_CONFIG = Config(connect_timeout=3, read_timeout=8, retries={"mode": "adaptive", "total_max_attempts": 4})
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"})
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_INVALID = frozenset({"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure"})
_THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"})
# IAM's prefix, where it is not boto3's name of the service.
PREFIXES: Mapping[str, str] = {"elbv2": "elasticloadbalancing", "service-quotas": "servicequotas"}
# IAM's action, where it is not the operation. https://docs.aws.amazon.com/service-authorization/latest/reference/
ACTIONS: Mapping[str, str] = {"s3:HeadBucket": "s3:ListBucket"}


class CouldNotAsk(Exception):  # noqa: N818 (an answer of its own, as the table has it)
    """The account does not answer a question; the message says why, and which IAM action is missing."""


class AccountError(Exception):
    """Nothing can be asked at all: no credentials, no network."""


def iam_action(call: str) -> str:
    """Return the IAM action of a call.

    Args:
        call: ``service:Operation``.
    """
    service, _, operation = call.partition(":")
    return ACTIONS.get(call, f"{PREFIXES.get(service, service)}:{operation}")


class Account:
    """An account in one region.

    Args:
        region: AWS region.
        session: makes clients; of the environment's credentials by default.

    Raises:
        AccountError: AWS_PROFILE names no profile.
    """

    def __init__(self, region: str, session: Any = None) -> None:
        self.region = region
        try:
            self._session: Any = session or boto3.session.Session()
        except ProfileNotFound as error:
            raise AccountError(f"{error}: set AWS_PROFILE to one that is there") from None
        self._lock, self._clients = Lock(), dict[str, Any]()

    def identity(self) -> Mapping[str, str]:
        """Ask who is asking.

        Returns:
            ``Account`` and ``Arn``.

        Raises:
            AccountError: nobody is, or AWS cannot be reached.
        """
        try:
            answer: Mapping[str, str] = self.client("sts").get_caller_identity()
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise AccountError(f"no credentials: {error}. Log in, or set AWS_PROFILE") from None
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _EXPIRED:
                raise AccountError(f"the credentials have expired ({code}): log in again") from None
            raise AccountError(
                f"AWS does not know the credentials ({code}): log in, or choose another AWS_PROFILE"
            ) from None
        except BotoCoreError as error:
            raise AccountError(f"AWS cannot be asked: {_one_line(error)}") from None
        return answer

    def client(self, service: str) -> Any:
        """Return the client of a service; sessions are not safe to share while they make one."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._session.client(service, region_name=self.region, config=_CONFIG)
            return self._clients[service]

    def partition(self) -> str:
        """Return the partition of the region, e.g. ``aws-cn``."""
        return str(self._session.get_partition_for_region(self.region))


class Ask:
    """Calls the operations that a check has declared.

    Args:
        account: whom.
        calls: the declared operations, ``service:Operation``.
    """

    def __init__(self, account: Account, calls: tuple[str, ...]) -> None:
        self._account, self._calls = account, calls
        self.region = account.region

    def __call__(self, call: str, **parameters: Any) -> Mapping[str, Any]:
        """Call an operation.

        Args:
            call: ``service:Operation``, one of the declared ones.
            parameters: of the operation.

        Returns:
            The answer.

        Raises:
            CouldNotAsk: see the class.
            ClientError: AWS answers with an error that means something to the check, e.g. that there is no such thing.
        """
        client, method = self._method(call)
        answer: Mapping[str, Any] = _answered(call, lambda: getattr(client, method)(**parameters))
        return answer

    def every(self, call: str, member: str, **parameters: Any) -> list[Any]:
        """Call an operation and follow its pages.

        Args:
            call: ``service:Operation``, one of the declared ones.
            member: member of each page that holds the list.
            parameters: of the operation.

        Returns:
            The items of all pages.

        Raises:
            CouldNotAsk: see the class.
            ClientError: as for a single call.
        """
        client, method = self._method(call)
        if not client.can_paginate(method):
            return list(self(call, **parameters).get(member, []))
        pages: Iterator[Mapping[str, Any]] = client.get_paginator(method).paginate(**parameters)
        found: list[Any] = _answered(call, lambda: [item for page in pages for item in page.get(member, [])])
        return found

    def _method(self, call: str) -> tuple[Any, str]:
        if call not in self._calls:
            raise LookupError(f"{call} is not among the declared calls {', '.join(self._calls)}")
        service, _, operation = call.partition(":")
        client = self._account.client(service)
        names = {name: method for method, name in client.meta.method_to_api_mapping.items()}
        return client, names[operation]


def _answered(call: str, ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except ClientError as error:
        told, code = error.response["Error"], error.response["Error"].get("Code", "")
        message = told.get("Message", "")
        if code in _DENIED:
            raise CouldNotAsk(_denied(call, message)) from None
        if code in _THROTTLED:
            raise CouldNotAsk(f"{iam_action(call)} is throttled: try again in a minute") from None
        if code in _INVALID | _EXPIRED:
            raise CouldNotAsk(f"{iam_action(call)}: the credentials are not accepted in this region ({code})") from None
        raise
    except (ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError) as error:
        raise CouldNotAsk(
            f"{iam_action(call)}: the region has no such endpoint, or no network: {_one_line(error)}"
        ) from None
    except BotoCoreError as error:
        raise CouldNotAsk(f"{iam_action(call)}: {_one_line(error)}") from None


def _denied(call: str, message: str) -> str:
    """Tell a missing permission from one that somebody above the account has taken away."""
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    above = re.search(
        r"explicit deny in a (service control policy|resource control policy|permissions boundary)", message
    )
    if above:
        return f"{iam_action(call)} is denied by a {above[1]}: ask whoever administers it"
    return f"the IAM action {iam_action(call)} is missing: see docs/preflight-policy.json"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
