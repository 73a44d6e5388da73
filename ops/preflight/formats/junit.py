"""For CI servers: JUnit XML, one test case per check."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from ops.preflight.check import Status
from ops.preflight.engine import CheckResult


def to_junit(results: Sequence[CheckResult]) -> str:
    """Return a suite; a failed check is a failure, one that could not ask is skipped, a warning is its output."""
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
        told = "\n".join(f"{each.status}: {each.message}" for each in result.outcomes)
        if result.status is Status.FAIL:
            ET.SubElement(case, "failure", message=told).text = f"{result.check.fix}\n{result.check.source}"
        elif result.status is Status.COULD_NOT_ASK:
            ET.SubElement(case, "skipped", message=told)
        else:
            ET.SubElement(case, "system-out").text = told
    ET.indent(suite)
    # ASCII with character references is right whatever the encoding of the standard output.
    document: bytes = ET.tostring(suite, encoding="us-ascii", xml_declaration=True)
    return document.decode("ascii") + "\n"
