"""What one rule says of a few resources."""

from __future__ import annotations

from typing import Any

from breakwater_guards import Profile, check
from breakwater_guards.model.assembly import Assembly
from guards_testing.build import Template, template

# A parameter whose value only the deployment knows.
OPEN: Template = {"Ref": "Open"}
PARAMETERS: Template = {"Open": {"Type": "String"}, "Named": {"Type": "String", "Default": "x", "NoEcho": True}}


def found(rule: str, resources: Template, **sections: Any) -> list[str]:
    """Return the messages of one rule on a template with parameters."""
    app = Assembly.from_document(template(resources, **{"Parameters": PARAMETERS, **sections}))
    return messages(rule, app)


def messages(rule: str, app: Assembly, profile: Profile = Profile.SINGLE_REGION) -> list[str]:
    """Return the messages of one rule on an assembly."""
    report = check(app, rules=[rule], profile=profile)
    return [finding.message for finding in report.findings]


def allow(principal: Any, action: str, target: Any = "*") -> Template:
    """Return a policy document with one statement."""
    return {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": action, "Resource": target}]}
