"""Calls of CloudFormation that lack something, or name something wrong, refused as AWS refuses them.

ministack answers some of them with another code or in other words.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from embedded_aws.server import upstream

_Refusal = tuple[str, str] | None
_UNMADE = ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS")
_SUPPORTED_URL = re.compile(r"https?://[^/]+/.+")


def install() -> None:
    """Put the checks before the actions that take a template."""
    for action, check in (("CreateStack", _template), ("UpdateStack", _update), ("CreateChangeSet", _change_set)):
        upstream.cloudformation_actions[action] = _checked(upstream.cloudformation_actions[action], check)
    upstream.stack_name_problems.wrap(_with_whole_pattern)


def _checked(act: Callable[[Any], Any], check: Callable[[Mapping[str, Any]], _Refusal]) -> Callable[[Any], Any]:
    def act_on_whole(request: Mapping[str, Any]) -> Any:
        refusal = check(request)
        return upstream.cloudformation_error(*refusal) if refusal else act(request)

    return act_on_whole


def _template(request: Mapping[str, Any]) -> _Refusal:
    body, url = _value(request, "TemplateBody"), _value(request, "TemplateURL")
    if not body and not url:
        return "ValidationError", "Either Template URL or Template Body must be specified."
    if url and not _SUPPORTED_URL.fullmatch(url):
        return "ValidationError", "TemplateURL must be a supported URL."
    return None


def _update(request: Mapping[str, Any]) -> _Refusal:
    return None if _value(request, "UsePreviousTemplate") == "true" else _template(request)


def _change_set(request: Mapping[str, Any]) -> _Refusal:
    kind = _value(request, "ChangeSetType") or "UPDATE"
    name, change_set = _value(request, "StackName"), _value(request, "ChangeSetName")
    stack = upstream.stacks.get(name)
    if kind == "CREATE" and stack and stack["StackStatus"] not in _UNMADE:
        message = f"Stack [{name}] already exists and cannot be created again with the changeSet [{change_set}]."
        return "ValidationError", message
    return _update(request) if kind == "CREATE" else None


def _with_whole_pattern(problems: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    """Name the pattern that AWS names: an ARN is a stack's name, too."""
    return lambda name: [problem.replace("[-a-zA-Z0-9]*", _PATTERN) for problem in problems(name)]


_PATTERN = "[-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*"


def _value(request: Mapping[str, Any], name: str) -> str:
    found = request.get(name, "")
    return str(found[0] if isinstance(found, list) and found else found or "")
