"""Lambda: the code that a function runs."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT
from breakwater_guards.rule import Breach, Outcome, breach, rule, show
from breakwater_guards.rules.lambda_functions.packages import asset_of, handler_files, inline_problems, missing_key
from breakwater_guards.rules.lambda_functions.variables import programs_of

FUNCTION = "AWS::Lambda::Function"
CODE_REFERENCE = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-code.html"
)
FUNCTION_REFERENCE = "https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html"


@rule(
    "DR-LAMBDA-06",
    title="Functions have code",
    outcome=Outcome.REFUSED,
    prevents="Please provide a source for function code, or ENOENT: no such file or directory when the asset is "
    "published, or Uploaded file must be a non-empty zip",
    fix="Give Code a ZipFile, an S3Bucket and S3Key, or an ImageUri; in the CDK Code.from_asset of a folder that the "
    "build fills before `cdk synth`.",
    sources=(CODE_REFERENCE, FUNCTION_REFERENCE),
)
def functions_have_code(app: Assembly) -> Iterator[Breach]:
    """Find a function without a source, with empty inline code, or with a local asset that is missing or empty."""
    for function in app.of_type(FUNCTION):
        problem = None if _is_generated(function) else _missing_code(function)
        asset = asset_of(function)
        if problem is None and asset is not None:
            reason = asset.problem()
            problem = f"Asset {asset.name} {reason}." if reason else None
        key = missing_key(app, function)
        if problem or key:
            yield breach(function, "Code", problem or f"{key} is no asset of this cloud assembly.")


@rule(
    "DR-LAMBDA-07",
    title="The handler of a function exists in its code",
    outcome=Outcome.SILENT,
    prevents="Runtime.ImportModuleError: Unable to import module 'app': No module named 'app', or "
    "Runtime.HandlerNotFound: Handler 'handle' missing on module 'app' (at the first call), or Runtime and Handler are "
    "mandatory parameters for functions created with deployment packages",
    fix="Name the file and the function of the asset, e.g. index.handler for handler() in index.py.",
    sources=("https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html", FUNCTION_REFERENCE, CODE_REFERENCE),
)
def handlers_exist(app: Assembly) -> Iterator[Breach]:
    """Find a handler that is not given, or whose file is not in the code, or whose function is not in the file."""
    for function in app.of_type(FUNCTION):
        if _is_generated(function):
            continue
        if function.options("PackageType") != [ABSENT] and "Zip" not in function.options("PackageType"):
            continue
        if any(isinstance(code, dict) and "ImageUri" in code for code in function.options("Code")):
            continue
        missing = [name for name in ("Handler", "Runtime") if function.options(name) == [ABSENT]]
        if missing:
            yield breach(function, missing[0], f"{' and '.join(missing)} not set; a zip package needs both.")
        elif any(isinstance(code, dict) and "ZipFile" in code for code in function.options("Code")):
            for problem in inline_problems(
                function.get("Runtime"), function.get("Handler"), function.get("Code.ZipFile")
            ):
                yield breach(function, "Handler", f"{problem[0].upper()}{problem[1:]}.")
        else:
            yield from _handler_in_asset(function)
            yield from _function_in_file(app, function)


def _is_generated(function: Resource) -> bool:
    """Tell whether a macro, of the function or of the whole template, may add properties."""
    transforms = function.template.document.get("Transform", [])
    macros = transforms if isinstance(transforms, list) else [transforms]
    if any(not str(macro).startswith("AWS::") for macro in macros):
        return True
    properties = function.body.get("Properties")
    return "Fn::Transform" in function.body or (isinstance(properties, dict) and "Fn::Transform" in properties)


def _missing_code(function: Resource) -> str | None:
    for code in function.options("Code"):
        if code is ABSENT or code == {}:
            return "Code has no source."
        if not isinstance(code, dict):
            continue
        if isinstance(code.get("ZipFile"), str) and not code["ZipFile"].strip():
            return "ZipFile is empty."
        if "ZipFile" not in code and "ImageUri" not in code and not {"S3Bucket", "S3Key"} <= set(code):
            return f"Code has only {', '.join(code)}; S3Bucket and S3Key go together."
    return None


def _handler_in_asset(function: Resource) -> Iterator[Breach]:
    asset = asset_of(function)
    runtime, handler = function.get("Runtime"), function.get("Handler")
    # A layer may bring the handler's module.
    if asset is None or asset.problem() or function.options("Layers") not in ([ABSENT], [[]]):
        return
    if isinstance(runtime, str) and isinstance(handler, str):
        files = handler_files(runtime, handler)
        if files and asset.holds(files) is False and not (files[0].endswith(".class") and asset.has_archives()):
            yield breach(function, "Handler", f"{show(handler)}: asset {asset.name} has none of {', '.join(files)}.")


def _function_in_file(app: Assembly, function: Resource) -> Iterator[Breach]:
    program, handler = programs_of(app).get(function), str(function.get("Handler"))
    name = handler.rpartition(".")[2]
    if program is not None and program.handlers is not None and name not in program.handlers:
        near = get_close_matches(name, program.handlers, 1)
        hint = f"; it has {near[0]}" if near else ""
        yield breach(function, "Handler", f"{show(handler)}: nothing in its file is called {name}{hint}.")
