"""Rules that read every synthesized template, nested ones included, and catch what would break a deployment."""

from guards.engine import Acknowledged, Report, RuleError, UnknownRuleError, check
from guards.loading import InputError
from guards.rule import Finding, Profile, Rule, Severity

__version__ = "1.0.0"
__all__ = [
    "Acknowledged",
    "Finding",
    "InputError",
    "Profile",
    "Report",
    "Rule",
    "RuleError",
    "Severity",
    "UnknownRuleError",
    "check",
]
