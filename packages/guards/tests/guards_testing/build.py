"""Short ways to write what the engine's tests read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource

Template = dict[str, Any]
NESTED = "AWS::CloudFormation::Stack"


def one(value: Any, /, **sections: Any) -> Resource:
    """Return a resource whose property ``P`` has a value, in a template with more sections."""
    return model(value, **sections).templates["template"].resources["R"]


def model(value: Any, /, **sections: Any) -> Assembly:
    """Return the assembly of :func:`one`."""
    return Assembly.from_document(template({"R": resource(P=value)}, **sections))


def resource(kind: str = "AWS::Test::Thing", /, **properties: Any) -> Template:
    """Return a resource; keys that CloudFormation puts beside the properties begin with an underscore."""
    beside = {key[1:]: value for key, value in properties.items() if key.startswith("_")}
    inside = {key: value for key, value in properties.items() if not key.startswith("_")}
    return {"Type": kind, "Properties": inside, **beside}


def nested(url: Any, /, **parameters: Any) -> Template:
    """Return a nested stack."""
    return resource(NESTED, TemplateURL=url, Parameters=parameters)


def template(resources: Template, **sections: Any) -> Template:
    """Return a template."""
    return {**sections, "Resources": resources}


def write(folder: Path, **files: Any) -> Path:
    """Write documents as JSON; ``__`` in a name stands for a dot and ``___`` for a slash."""
    for name, document in files.items():
        file = folder / name.replace("___", "/").replace("__", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return folder


def document(*statements: Any) -> dict[str, Any]:
    """Return a policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def put(properties: dict[str, Any], path: str, value: Any) -> None:
    """Set a property at a path; ``[]`` makes a list of one entry."""
    first, _, rest = path.partition(".")
    name, each = first.removesuffix("[]"), first.endswith("[]")
    if not rest:
        properties[name] = [value] if each else value
        return
    inner = properties.setdefault(name, [{}] if each else {})
    put(inner[0] if each else inner, rest, value)
