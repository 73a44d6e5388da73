"""Lambda: what the code of a function asks for and its configuration lacks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from breakwater_guards.aws.arns import resource_named
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.transforms import may_change
from breakwater_guards.model.values import ABSENT
from breakwater_guards.model.views import view
from breakwater_guards.rule import Breach, Outcome, breach, rule
from breakwater_guards.rules.lambda_functions.packages import asset_of, module_of
from breakwater_guards.rules.lambda_functions.sources import Program, program_of

FUNCTION, VARIABLES = "AWS::Lambda::Function", "Environment.Variables"
# They run functions in an environment of their own: https://docs.aws.amazon.com/greengrass/v1/developerguide/lambda-group-config.html
HOSTS = ("AWS::Greengrass::FunctionDefinition", "AWS::Greengrass::FunctionDefinitionVersion")
QUALIFIED = {"AWS::Lambda::EventInvokeConfig": "FunctionName", "AWS::Lambda::Url": "TargetFunctionArn"}
_ALIAS = re.compile(r"(?!\d+$)[a-zA-Z0-9_-]+")
_ALIKE = 0.8
# https://nodejs.org/api/process.html#processenv
_NODE = re.compile(r"""process\.env(?:\.([A-Za-z_]\w*)|\[["']([A-Za-z_]\w*)["']\])""")
_TAKEN_OUT = re.compile(r"\{([^{}]*)\}\s*=\s*process\.env\b(?!\s*[.\[])")
_FROM_ELSEWHERE = re.compile(r"""export\s*\*|__exportStar|(?:require\(|from\s*|import\s*)["']\.""")


@rule(
    "DR-LAMBDA-11",
    title="A function has the environment variables that its code needs",
    outcome=Outcome.SILENT,
    prevents="KeyError: 'TABLE_NAME' at each call (or undefined, in Node.js): the function is created without an error",
    fix="Set the variable in Environment.Variables, or correct its name there or in the code.",
    sources=(
        "https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html",
        "https://docs.python.org/3/library/os.html#os.environ",
    ),
    data="lambda",
)
def variables_are_set(app: Assembly) -> Iterator[Breach]:
    """Find a variable whose absence raises in the code that runs, or that is set under nearly the name that is read."""
    for function, program in programs_of(app).items():
        given = function.options(VARIABLES)
        if may_change(function.template) or not all(isinstance(one, dict) or one is ABSENT for one in given):
            continue
        names = {name for one in given if isinstance(one, dict) for name in one}
        missing = sorted(program.needed - names - _runtime_variables())
        idle = sorted(name for name in names if name not in program.mentioned)
        for name in missing:
            near = get_close_matches(name, idle or names, 1, _ALIKE)
            hint = f"; it has {near[0]}" if near else ""
            yield breach(function, VARIABLES, f"The code needs {name}, and the function does not have it{hint}.")
        for name in sorted(program.asked - program.needed - names - _runtime_variables()):
            near = get_close_matches(name, idle, 1, _ALIKE) or [one for one in idle if _is_part(one, name)][:1]
            if near:
                yield breach(function, f"{VARIABLES}.{near[0]}", f"The code reads {name}, and never {near[0]}.")


@rule(
    "DR-LAMBDA-12",
    title="A version or alias that is named is there",
    outcome=Outcome.REFUSED,
    prevents="ResourceNotFoundException: The function alias … was not found (at creation)",
    fix="Declare the alias of this function, or use $LATEST or leave the qualifier out.",
    sources=(
        "https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html",
        "https://docs.aws.amazon.com/lambda/latest/dg/configuration-aliases.html",
    ),
)
def qualifiers_exist(app: Assembly) -> Iterator[Breach]:
    """Find the name of an alias that no alias of the function has."""
    for kind, path in QUALIFIED.items():
        for resource in app.of_type(kind) if not any(may_change(one) for one in app.templates.values()) else ():
            function = resource_named(app, resource.get(path), resource.template, FUNCTION)
            qualifier = resource.get("Qualifier")
            if function is None or not isinstance(qualifier, str) or not _ALIAS.fullmatch(qualifier):
                continue
            owners = {
                alias: resource_named(app, alias.get("FunctionName"), alias.template, FUNCTION)
                for alias in app.of_type("AWS::Lambda::Alias")
            }
            names = [alias.get("Name") for alias, owner in owners.items() if owner in (None, function)]
            if all(isinstance(name, str) and name != qualifier for name in names):
                allowed = ", ".join(["$LATEST", *map(str, names)])
                message = f"{function.logical_id} has no alias {qualifier!r}; allowed: {allowed}."
                yield breach(resource, "Qualifier", message)


def _is_part(one: str, other: str) -> bool:
    """Tell whether one name is the beginning of another, without its last words: TABLE and TABLE_NAME."""
    return one.startswith(f"{other}_") or other.startswith(f"{one}_")


def programs_of(app: Assembly) -> dict[Resource, Program]:
    """Return what the code of each function reads, where the code lies beside or inside the template."""
    return view(app, _programs)


def _runtime_variables() -> set[str]:
    known = facts("lambda")
    return {*known["reserved_variables"], *known["runtime_variables"]}


def _programs(app: Assembly) -> dict[Resource, Program]:
    found: dict[Resource, Program] = {}
    for function in app.of_type(FUNCTION) if not any(app.of_type(*HOSTS)) else ():
        runtime, handler = function.get("Runtime"), function.get("Handler")
        if not isinstance(runtime, str) or not isinstance(handler, str):
            continue
        program = _program(function, runtime, handler)
        if program is not None:
            found[function] = program
    return found


def _program(function: Resource, runtime: str, handler: str) -> Program | None:
    module, name = module_of(runtime, handler)
    inline, asset = function.get("Code.ZipFile"), asset_of(function)
    layers = function.options("Layers")

    def read(path: str) -> str | None:
        if asset is None:
            return inline if isinstance(inline, str) and path.startswith("index.") else None
        return None if path.partition("/")[0].removesuffix(".py") in asset.vendored else asset.read(path)

    if runtime.startswith("python") and module and layers in ([ABSENT], [[]]):
        given = function.options(VARIABLES)
        known = set.intersection(*({*one} if isinstance(one, dict) else set() for one in given))
        return program_of(module, name, read, known | _runtime_variables())
    if runtime.startswith("nodejs") and module:
        texts = [text for suffix in (".js", ".mjs", ".cjs") if (text := read(module + suffix))]
        return _node_program(texts[0]) if texts else None
    return None


def _node_program(text: str) -> Program:
    """Read the one file that a bundler makes; what is undefined in JavaScript raises nothing, so nothing is needed."""
    if _FROM_ELSEWHERE.search(text):
        return Program()
    words = set(re.findall(r"\w+", text))
    asked = {first or second for first, second in _NODE.findall(text)}
    for names in _TAKEN_OUT.findall(text):
        asked |= {name.partition(":")[0].strip() for name in names.split(",") if "=" not in name and "..." not in name}
    asked.discard("")
    return Program(mentioned=words, asked=asked, handlers=words)
