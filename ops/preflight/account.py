"""The account that is asked: every call goes through here, and every refusal of AWS becomes a plain sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from typing import Any

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
)

from ops.connection import new_client, new_session
from ops.errors import OpsError, error_code, one_line

# Seconds, and attempts in all: a check must not take as long as a deployment.
_CONFIG = Config(connect_timeout=3, read_timeout=8, retries={"mode": "adaptive", "total_max_attempts": 4})
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"})
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_INVALID = frozenset({"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure"})
_THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"})
# IAM's prefix, where it is not boto3's name of the service.
PREFIXES: Mapping[str, str] = {"elbv2": "elasticloadbalancing", "service-quotas": "servicequotas"}
# IAM's action, where it is not the operation. https://docs.aws.amazon.com/service-authorization/latest/reference/
ACTIONS: Mapping[str, str] = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListObjectsV2": "s3:ListBucket",
}


class CouldNotAsk(Exception):  # noqa: N818 (an outcome of a check, named as its status)
    """The account does not answer a question; the message says why, e.g. which IAM action is missing."""


class NoCredentialsGivenError(OpsError):
    """Nobody is logged in: the account was not asked."""


def iam_action(call: str) -> str:
    """Return the IAM action that allows a call, ``service:Operation``."""
    service, _, operation = call.partition(":")
    return ACTIONS.get(call, f"{PREFIXES.get(service, service)}:{operation}")


class Account:
    """An account in one Region.

    Args:
        region: the Region.
        session: makes clients; by default one with the credentials of the environment.

    Raises:
        OpsError: AWS_PROFILE names no profile.
    """

    def __init__(self, region: str, session: Any = None) -> None:
        self.region = region
        self._session: Any = session or new_session(region)
        self._lock, self._clients = Lock(), dict[tuple[str, str], Any]()

    def identity(self) -> Mapping[str, str]:
        """Return ``Account`` and ``Arn`` of the credentials.

        Raises:
            NoCredentialsGivenError: there are none.
            OpsError: AWS does not accept them, or it cannot be reached.
        """
        try:
            answer: Mapping[str, str] = self.client("sts").get_caller_identity()
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise NoCredentialsGivenError(f"no credentials: {error}. Log in, or set AWS_PROFILE") from None
        except ClientError as error:
            code = error_code(error)
            if code in _EXPIRED:
                raise OpsError(f"the credentials have expired ({code}): log in again") from None
            raise OpsError(
                f"AWS does not know the credentials ({code}): log in, or choose another AWS_PROFILE"
            ) from None
        except BotoCoreError as error:
            raise OpsError(f"AWS cannot be reached: {one_line(error)}") from None
        return answer

    def client(self, service: str, region: str | None = None) -> Any:
        """Return the client of a service, made once; threads must not share a session while it makes one.

        Args:
            service: boto3's name of the service.
            region: another Region than the account's own.
        """
        key = service, region or self.region
        with self._lock:
            if key not in self._clients:
                self._clients[key] = new_client(self._session, service, region_name=key[1], config=_CONFIG)
            return self._clients[key]

    def partition(self) -> str:
        """Return the partition of the Region, e.g. ``aws-cn``."""
        return str(self._session.get_partition_for_region(self.region))


class Ask:
    """Calls the operations that a check declares, and no others.

    Args:
        account: the account to ask.
        calls: the declared operations, each ``service:Operation``.
        region: where to ask; None for the account's own Region.
    """

    def __init__(self, account: Account, calls: tuple[str, ...], region: str | None = None) -> None:
        self._account, self._calls = account, calls
        self.region = region or account.region

    def elsewhere(self, region: str) -> Ask:
        """Return the same for another Region."""
        return Ask(self._account, self._calls, region)

    def __call__(self, call: str, **parameters: Any) -> Mapping[str, Any]:
        """Call an operation.

        Args:
            call: ``service:Operation``, one of the declared ones.
            parameters: of the operation.

        Returns:
            The answer.

        Raises:
            CouldNotAsk: AWS refuses the call, or cannot be reached.
            ClientError: AWS answers with an error that the check must judge, e.g. that a resource does not exist.
        """
        client, method = self._method(call)
        answer: Mapping[str, Any] = _answered(call, lambda: getattr(client, method)(**parameters))
        return answer

    def find(self, call: str, *absent: str, **parameters: Any) -> Mapping[str, Any] | None:
        """Call an operation that looks for one resource.

        Args:
            call: ``service:Operation``, one of the declared ones.
            absent: error codes which say that the resource does not exist.
            parameters: of the operation.

        Returns:
            The answer; ``None`` where the resource does not exist.

        Raises:
            CouldNotAsk: as for a plain call.
            ClientError: AWS answers with another error.
        """
        try:
            return self(call, **parameters)
        except ClientError as error:
            if error_code(error) in absent:
                return None
            raise

    def every(self, call: str, member: str, **parameters: Any) -> list[Any]:
        """Call an operation and follow its pages.

        Args:
            call: ``service:Operation``, one of the declared ones.
            member: member of each page that holds the list.
            parameters: of the operation.

        Returns:
            The items of all pages.

        Raises:
            CouldNotAsk: as for a plain call.
            ClientError: as for a plain call.
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
        client = self._account.client(service, self.region)
        names = {name: method for method, name in client.meta.method_to_api_mapping.items()}
        return client, names[operation]


def _answered(call: str, ask: Callable[[], Any]) -> Any:
    action = iam_action(call)
    try:
        return ask()
    except ClientError as error:
        code = error_code(error)
        if code in _DENIED:
            raise CouldNotAsk(_denied(action, str(error))) from None
        if code in _THROTTLED:
            raise CouldNotAsk(f"{action} is throttled: try again in a minute") from None
        if code in _INVALID | _EXPIRED:
            raise CouldNotAsk(f"{action}: the credentials are not accepted in this Region ({code})") from None
        raise
    except (ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError) as error:
        raise CouldNotAsk(f"{action}: the Region has no such endpoint, or no network: {one_line(error)}") from None
    except BotoCoreError as error:
        raise CouldNotAsk(f"{action}: {one_line(error)}") from None


def _denied(action: str, message: str) -> str:
    """Tell a missing permission from one that a policy above the account denies."""
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    above = re.search(
        r"explicit deny in a (service control policy|resource control policy|permissions boundary)", message
    )
    if above:
        return f"{action} is denied by a {above[1]}: ask whoever administers it"
    return f"the IAM action {action} is missing: see docs/preflight-policy.json"
