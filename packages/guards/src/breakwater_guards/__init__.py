"""Rules over CloudFormation that find what would make a deployment or a recovery fail."""

from breakwater_guards.engine import RuleError, UnknownRuleError, check
from breakwater_guards.reading.files import InputError
from breakwater_guards.report import Acknowledged, Report
from breakwater_guards.rule import Finding, Outcome, Profile, Rule, Severity

__version__ = "2.0.0"
__all__ = [
    "Acknowledged",
    "Finding",
    "InputError",
    "Outcome",
    "Profile",
    "Report",
    "Rule",
    "RuleError",
    "Severity",
    "UnknownRuleError",
    "check",
]
