"""For CI servers: JUnit XML, one test case per rule."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from breakwater_guards.engine import Report
from breakwater_guards.formats.places import file_of, line_of
from breakwater_guards.formats.text import printable
from breakwater_guards.rule import Finding


def to_junit(report: Report) -> str:
    """Return a suite in which each rule is a test case, each finding a failure of it, and a failed rule an error."""
    by_rule: dict[str, list[Finding]] = {}
    for finding in report.findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    unjudged = {item.rule: item for item in report.unjudged}
    suite = ET.Element(
        "testsuite",
        name="breakwater-guards",
        tests=str(len(report.rules)),
        failures=str(len(by_rule.keys() - unjudged.keys())),
        errors=str(len(unjudged)),
    )
    for rule in report.rules:
        case = ET.SubElement(suite, "testcase", classname="guards", name=printable(f"{rule.id} {rule.title}"))
        if rule.id in unjudged:
            ET.SubElement(case, "error", message=printable(str(unjudged[rule.id])))
        for finding in by_rule.get(rule.id, ()):
            failure = ET.SubElement(case, "failure", type=finding.severity.value, message=printable(finding.message))
            line = line_of(report, finding)
            file = f"{file_of(report, finding)}:{line}" if line else file_of(report, finding)
            place = " ".join(part for part in (file, finding.resource, finding.path) if part)
            failure.text = "\n".join(map(printable, (place, finding.fix, finding.source)))
    ET.indent(suite)
    # ASCII with character references is right whatever the encoding of the standard output.
    document: bytes = ET.tostring(suite, encoding="us-ascii", xml_declaration=True)
    return document.decode("ascii") + "\n"
