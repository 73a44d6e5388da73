"""The rules of cdk-preflight (Apache-2.0): what made deployments fail on AWS, as Rego for CloudFormation Validate.

The Python package wraps the one of npm, and holds its archive. It is read, never imported: that would start Node.

https://github.com/go-to-k/cdk-preflight
"""

import json
import re
import tarfile
from collections.abc import Iterator, Set
from importlib.metadata import distribution
from typing import Any, Final

_ARCHIVE: Final = re.compile(r"cdk_preflight/_jsii/cdk-preflight@.+\.tgz")
_RULES: Final = "package/lib/rules.generated.js"


def rules_for(types: Set[str]) -> Iterator[tuple[str, str]]:
    """Yield the libraries, and the rules that are about one of these resource types or about any, as name and Rego.

    Args:
        types: CloudFormation resource types.
    """
    package = distribution("cdk-preflight")
    archive = next(file for file in package.files or () if _ARCHIVE.fullmatch(str(file)))
    with tarfile.open(str(package.locate_file(archive))) as packed:
        member = packed.extractfile(_RULES)
        script = member.read().decode() if member else ""
    for each in _array(script, "BUNDLED_LIBS"):
        yield each["name"], each["rego"]
    for each in _array(script, "BUNDLED_RULES"):
        if not each["resourceTypes"] or types & set(each["resourceTypes"]):
            yield each["id"], each["rego"]


def _array(script: str, name: str) -> list[dict[str, Any]]:
    start = f"exports.{name} = "
    found: list[dict[str, Any]] = json.JSONDecoder().raw_decode(script, script.index(f"{start}[") + len(start))[0]
    return found
