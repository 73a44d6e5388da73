"""For CI servers: JUnit XML, a test case for each finding, and one for each rule or tool that found nothing."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from breakwater_guards.formats.places import file_of, line_of
from breakwater_guards.formats.text import printable
from breakwater_guards.report import Report
from breakwater_guards.rule import Finding, Severity

_OWN = "guards"


def to_junit(report: Report) -> str:
    """Return one suite: findings that fail the run are failures, rules that failed are errors, all else has passed."""
    suite = ET.Element("testsuite", name="breakwater-guards")
    for item in report.unjudged:
        case = _case(suite, _OWN, item.rule)
        ET.SubElement(case, "error", message=printable(str(item)))
    titles = {rule.id: rule.title for rule in report.rules} | {rule.id: rule.title for rule in report.others}
    for finding in report.findings:
        fails = report.fail_on is Severity.WARNING or finding.severity is Severity.ERROR
        _finding(suite, report, finding, titles, "failure" if fails else "system-out")
    for finding in (*report.known, *(item.finding for item in report.acknowledged)):
        _finding(suite, report, finding, titles, "system-out")
    told = {case.get("name", "").partition(" ")[0] for case in suite}
    for rule in report.rules:
        if rule.id not in told:
            _case(suite, _OWN, f"{rule.id} {rule.title}")
    told = {case.get("classname", "") for case in suite} | {item.rule for item in report.unjudged}
    for tool in report.tools:
        if tool not in told:
            _case(suite, tool, tool)
    for name, kind in (("tests", "testcase"), ("failures", "testcase/failure"), ("errors", "testcase/error")):
        suite.set(name, str(len(suite.findall(kind))))
    ET.indent(suite)
    # ASCII with character references is right whatever the encoding of the standard output.
    document: bytes = ET.tostring(suite, encoding="us-ascii", xml_declaration=True)
    return document.decode("ascii") + "\n"


def _case(suite: ET.Element, tool: str, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=tool, name=printable(name))


def _finding(suite: ET.Element, report: Report, finding: Finding, titles: dict[str, str], kind: str) -> None:
    place = " ".join(part for part in (finding.template, finding.resource, finding.path) if part)
    title = titles.get(finding.rule, "")
    case = _case(suite, finding.tool or _OWN, f"{finding.rule} {title} ({place})")
    line = line_of(report, finding)
    file = f"{file_of(report, finding)}:{line}" if line else file_of(report, finding)
    where = " ".join(part for part in (file, finding.resource, finding.path) if part)
    attributes = {"type": finding.severity.value, "message": printable(finding.message)} if kind == "failure" else {}
    lines = (where, *(() if attributes else (finding.message,)), finding.fix, finding.source)
    ET.SubElement(case, kind, attributes).text = "\n".join(printable(text) for text in lines if text)
