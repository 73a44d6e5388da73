"""For CI servers: JUnit XML, one test case per rule."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from guards.engine import Report


def to_junit(report: Report) -> str:
    """Return a suite in which each rule is a test case and each finding a failure of it."""
    failed = {finding.rule for finding in report.findings}
    suite = ET.Element("testsuite", name="guards", tests=str(len(report.rules)), failures=str(len(failed)))
    for rule in report.rules:
        case = ET.SubElement(suite, "testcase", classname="guards", name=f"{rule.id} {rule.title}")
        for finding in report.findings:
            if finding.rule == rule.id:
                failure = ET.SubElement(case, "failure", type=finding.severity.value, message=finding.message)
                failure.text = f"{finding.template} {finding.resource} {finding.path}\n{finding.fix}\n{finding.source}"
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
