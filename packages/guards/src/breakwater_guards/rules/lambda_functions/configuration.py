"""Lambda: environment variables, reserved concurrency and runtimes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from breakwater_guards.facts import facts
from breakwater_guards.facts.clock import today
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_int
from breakwater_guards.model.template import Resource, Template
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

FUNCTIONS = ("AWS::Lambda::Function", "AWS::Serverless::Function")
CONCURRENCY = "ReservedConcurrentExecutions"
VARIABLES = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"
CONCURRENCY_GUIDE = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html"
RUNTIMES = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"
QUOTA, UNRESERVED = 1000, 100
NOTICE = timedelta(days=90)


@rule(
    "DR-LAMBDA-01",
    title="Functions set no environment variable that Lambda reserves",
    outcome=Outcome.REFUSED,
    prevents="Lambda was unable to configure your environment variables because the environment variables you have "
    "provided contains reserved keys that are currently not supported for modification. Reserved keys used in this "
    "request: AWS_REGION",
    fix="Leave the variable out: Lambda sets it. Under another name, e.g. TARGET_REGION, it is yours.",
    sources=(VARIABLES,),
    data="lambda",
)
def variables_are_not_reserved(app: Assembly) -> Iterator[Breach]:
    """Find a reserved key in the map, whatever the values are."""
    reserved = set(facts("lambda")["reserved_variables"])
    for function in app.of_type(*FUNCTIONS):
        for variables in function.options("Environment.Variables"):
            for name in variables if isinstance(variables, dict) else ():
                if name in reserved:
                    yield breach(function, f"Environment.Variables.{name}", f"{name} is reserved by Lambda.")


@rule(
    "DR-LAMBDA-02",
    title="Reserved concurrency leaves 100 unreserved",
    outcome=Outcome.REFUSED,
    prevents="Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
    "below its minimum value of [100]",
    fix=f"Reserve at most {QUOTA - UNRESERVED} in one account and Region, or have the quota of {QUOTA} raised first.",
    sources=(CONCURRENCY_GUIDE, "https://github.com/aws-samples/siem-on-amazon-opensearch-service/issues/175"),
)
def reservations_fit_the_account(app: Assembly) -> Iterator[Breach]:
    """Find functions of one account and Region that together reserve more than 900."""
    for functions in _reserving(app):
        total = _total(functions)
        if total > QUOTA - UNRESERVED:
            largest = max(functions, key=lambda item: max(_reservations(item)))
            yield breach(
                largest,
                CONCURRENCY,
                f"{total} of an account's {QUOTA} are reserved by {len(functions)} function(s), this one has the most "
                f"({max(_reservations(largest))}); at most {QUOTA - UNRESERVED} can be reserved.",
            )


@rule(
    "DR-LAMBDA-03",
    title="Reserved concurrency needs an account with more than the quota of 10",
    outcome=Outcome.LATER,
    prevents="Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
    "below its minimum value of [10]: new accounts have a quota of 10, all of which must stay unreserved",
    fix="Leave ReservedConcurrentExecutions unset by default; set it where the quota is known to be higher.",
    sources=(CONCURRENCY_GUIDE, "https://github.com/aws-samples/one-observability-demo/issues/278"),
)
def reservations_need_a_quota(app: Assembly) -> Iterator[Breach]:
    """Find any reservation above 0; more than an ordinary account has is DR-LAMBDA-02's."""
    for functions in _reserving(app):
        if _total(functions) <= QUOTA - UNRESERVED:
            for function in functions:
                yield breach(
                    function,
                    CONCURRENCY,
                    f"{max(_reservations(function))} reserved: impossible in accounts with a quota of 10.",
                )


@rule(
    "DR-LAMBDA-08",
    title="Functions use a runtime that can still be created",
    outcome=Outcome.REFUSED,
    prevents="The runtime parameter of nodejs14.x is no longer supported for creating or updating AWS Lambda functions",
    fix="Use the runtime's successor.",
    sources=(RUNTIMES,),
    data="lambda",
)
def runtimes_can_be_created(app: Assembly) -> Iterator[Breach]:
    """Find a runtime past the day on which Lambda blocks new functions."""
    for function, name, runtime in _runtimes(app):
        if runtime["create-block"] and date.fromisoformat(runtime["create-block"]) <= today():
            yield breach(
                function,
                "Runtime",
                f"{show(name)} cannot be created since {runtime['create-block']}; its successor is "
                f"{runtime['successor']}.",
            )


@rule(
    "DR-LAMBDA-09",
    title="Functions use a runtime that is supported for at least 90 more days",
    outcome=Outcome.LATER,
    prevents="no security patches after the runtime's end, and soon after it neither creation nor update: a rebuild "
    "after a disaster fails although nothing changed",
    fix="Move to the runtime's successor now.",
    sources=(RUNTIMES,),
    data="lambda",
)
def runtimes_stay_supported(app: Assembly) -> Iterator[Breach]:
    """Find a runtime whose support or creation ends within 90 days, or whose support has ended."""
    for function, name, runtime in _runtimes(app):
        days = {key: date.fromisoformat(runtime[key]) for key in ("deprecated", "create-block") if runtime[key]}
        blocked = "create-block" in days and days["create-block"] <= today()
        if not blocked and any(day <= today() + NOTICE for day in days.values()):
            ended = "deprecated" in days and days["deprecated"] <= today()
            yield breach(
                function,
                "Runtime",
                f"{show(name)} {'lost' if ended else 'loses'} support on {runtime['deprecated']} and cannot be "
                f"created from {runtime['create-block'] or 'a later day'}; its successor is {runtime['successor']}.",
            )


def _reserving(app: Assembly) -> Iterator[list[Resource]]:
    """Group the functions that reserve concurrency by account and Region, or by root stack where those are open."""
    groups: dict[Any, list[Resource]] = defaultdict(list)
    for function in app.of_type(*FUNCTIONS):
        if max(_reservations(function), default=0) > 0:
            template = function.template
            known = template.region and template.account
            groups[(template.region, template.account) if known else _root(template).key].append(function)
    yield from groups.values()


def _root(template: Template) -> Template:
    while template.parent is not None:
        template = template.parent.template
    return template


def _reservations(function: Resource) -> list[int]:
    return [number for value in function.options(CONCURRENCY) if (number := as_int(value)) is not None]


def _total(functions: list[Resource]) -> int:
    """Add up the reservations; with `Fn::If` the dearer of all first and all last arms, which usually go together."""
    numbers = [_reservations(function) for function in functions]
    return max(sum(item[0] for item in numbers), sum(item[-1] for item in numbers))


def _runtimes(app: Assembly) -> Iterator[tuple[Resource, str, dict[str, Any]]]:
    known: dict[str, dict[str, Any]] = facts("lambda")["runtimes"]
    for function in app.of_type(*FUNCTIONS):
        for name in function.given("Runtime"):
            if isinstance(name, str) and name in known:
                yield function, name, known[name]
