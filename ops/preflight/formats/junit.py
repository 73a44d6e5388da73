"""For CI servers: JUnit XML, one test case for each check."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from ops.preflight.check import Status
from ops.preflight.engine import CheckResult


def to_junit(results: Sequence[CheckResult]) -> str:
    """Return a test suite: a check that could not be asked is skipped, and a warning is output."""
    suite = ET.Element(
        "testsuite",
        name="breakwater-preflight",
        tests=str(len(results)),
        failures=str(sum(result.status is Status.FAIL for result in results)),
        skipped=str(sum(result.status is Status.COULD_NOT_ASK for result in results)),
    )
    for result in results:
        name = f"{result.check.id} {result.check.title}"
        case = ET.SubElement(suite, "testcase", classname="preflight", name=name, time=f"{result.seconds:.3f}")
        messages = "\n".join(f"{each.status}: {each.message}" for each in result.outcomes)
        if result.status is Status.FAIL:
            ET.SubElement(case, "failure", message=messages).text = f"{result.check.fix}\n{result.check.source}"
        elif result.status is Status.COULD_NOT_ASK:
            ET.SubElement(case, "skipped", message=messages)
        else:
            ET.SubElement(case, "system-out").text = messages
    ET.indent(suite)
    # ASCII with character references is right whatever the encoding of the standard output.
    document: bytes = ET.tostring(suite, encoding="us-ascii", xml_declaration=True)
    return document.decode("ascii") + "\n"
