"""Reading: JSON and YAML as CloudFormation reads them; whatever is broken or hostile ends in one clear error, soon."""

from __future__ import annotations

import builtins
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from breakwater_guards import InputError
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.reading import json_text, yaml_events
from breakwater_guards.reading.files import MAX_BYTES, MAX_YAML_BYTES, parse, read_document
from breakwater_guards.reading.json_text import MAX_DEPTH
from guards_testing.build import resource, template, write

GOOD = template({"R": resource(P="x")})


@pytest.fixture(params=["libyaml", "pure"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both parsers of PyYAML: wheels bring libyaml, other installations may not."""
    if request.param == "pure":
        monkeypatch.setattr(yaml_events, "_PARSER", yaml.SafeLoader)


YAML: dict[str, tuple[str, Any]] = {
    "empty": ("", None),
    "comment": ("# nothing", None),
    "text": ("a", "a"),
    "truth": ("[yes, no, true, 'true', !!str true]", [True, False, True, "true", "true"]),
    "numbers": ("[1, 0x1F, 010, 1_000, -1.5, 1e3, 16.10]", [1, 31, 8, 1000, -1.5, "1e3", 16.1]),
    "no numbers": ("[.inf, -.inf, .nan, 1:2:a]", [".inf", "-.inf", ".nan", "1:2:a"]),
    "huge numbers": (f"[{'9' * 50}, {'9' * 50}.5]", ["9" * 50, "9" * 50 + ".5"]),
    "null": ("[~, null, '', ]", [None, None, ""]),
    "date": ("2010-09-09", "2010-09-09"),
    "given types": ("[!!int '5', !!float '1.5', !!bool 'yes', !!null '']", [5, 1.5, True, None]),
    "given collections": ("[!!map {a: 1}, !!seq [1], ! [2], ! x]", [{"a": 1}, [1], [2], "x"]),
    "keys are text": (
        "{012345678901: a, on: b, 1.0: c, ~: d, 2010-09-09: e}",
        {"012345678901": "a", "on": "b", "1.0": "c", "~": "d", "2010-09-09": "e"},
    ),
    "short forms": (
        "[!Ref A, !GetAtt A.B.C, !GetAtt [A, B], !Sub '${A}', !Condition C, !Base64 x, !Ref 5]",
        [
            {"Ref": "A"},
            {"Fn::GetAtt": ["A", "B.C"]},
            {"Fn::GetAtt": ["A", "B"]},
            {"Fn::Sub": "${A}"},
            {"Condition": "C"},
            {"Fn::Base64": "x"},
            {"Ref": "5"},
        ],
    ),
    "short forms in short forms": (
        "!Join ['', [!Ref A, !Transform {Name: B}]]",
        {"Fn::Join": ["", [{"Ref": "A"}, {"Fn::Transform": {"Name": "B"}}]]},
    ),
    "aliases": ("[&a {k: 1}, *a, &b x, {*b : *b}]", [{"k": 1}, {"k": 1}, "x", {"x": "x"}]),
    "merge": ("[&a {k: 1, l: 1}, {<<: *a, k: 2}]", [{"k": 1, "l": 1}, {"k": 2, "l": 1}]),
    "merge of several": (
        "[&a {k: 1}, &b {k: 2, l: 2}, {<<: [*a, *b]}]",
        [{"k": 1}, {"k": 2, "l": 2}, {"k": 1, "l": 2}],
    ),
}


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize("name", YAML)
def test_yaml(name: str) -> None:
    text, expected = YAML[name]
    found = parse(text, "t")
    assert found == expected
    assert json.dumps(found) == json.dumps(expected)


BROKEN_YAML = {
    "alias to itself": ("a: &a [*a]", r"the alias \*a refers to itself \(line 1\)"),
    "alias to nothing": ("a: *b", r"(the alias \*b has no anchor|found undefined alias)"),
    "two documents": ("a: 1\n---\nb: 2", "more than one YAML document"),
    "list as key": ("? [a]\n: b", r"a key is no text \(line 1\)"),
    "function as key": ("!Ref a: b", r"a key is no text \(line 1\)"),
    "alias to a list as key": ("- &a [1]\n- {*a : 1}", r"a key is no text \(line 2\)"),
    "binary": ("!!binary aGk=", r"CloudFormation does not read the tag !!binary \(line 1\)"),
    "set": ("!!set {a}", r"CloudFormation does not read the tag !!set \(line 1\)"),
    "python": ("!!python/object/apply:os.system [ls]", "CloudFormation does not read the tag !!python/object"),
    "strange tag": ("!a/b x", r"unknown tag !a/b \(line 1\)"),
    "foreign tag": ("!<tag:example.com,2000:x> {a: 1}", "unknown tag tag:example.com,2000:x"),
    "wrong number": ("!!int word", "invalid literal for int"),
    "merge of text": ("<<: text", r"<< merges mappings only \(line 1\)"),
    "control character": ("a: \x01", "control characters|special characters"),
    "tab": ("a:\n\t- b", "cannot start any token"),
    "left open": ("[a", "flow sequence"),
    "deep lists": ("[" * 100_000, f"nested deeper than {MAX_DEPTH} levels"),
    "deep mappings": ("x: " + "{a: " * 100_000, f"nested deeper than {MAX_DEPTH} levels"),
    "deep blocks": ("- " * 100_000, f"nested deeper than {MAX_DEPTH} levels"),
    "deep through aliases": (
        "- &a0 [x]\n" + "".join(f"- &a{n} [*a{n - 1}]\n" for n in range(1, 500)),
        f"nested deeper than {MAX_DEPTH} levels",
    ),
    "alias bomb": (
        "- &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(f"- &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30)),
        "more than 1000000 values once aliases are followed",
    ),
    "merge bomb": (
        "- &a0 {k0: 1}\n" + "".join(f"- &a{n} {{<<: *a{n - 1}, k{n}: 1}}\n" for n in range(1, 5000)),
        f"(more than 1000000 values once aliases are followed|nested deeper than {MAX_DEPTH} levels)",
    ),
}


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize("name", BROKEN_YAML)
def test_broken_yaml(name: str) -> None:
    text, message = BROKEN_YAML[name]
    with pytest.raises(InputError, match=message) as caught:
        parse(text, "file.yaml")
    assert str(caught.value).startswith("file.yaml: not YAML (")
    assert "\n" not in str(caught.value)


BROKEN_JSON = {
    "deep": ('{"a":' * 300 + "1" + "}" * 300, f"t: nested deeper than {MAX_DEPTH} levels"),
    "very deep": ('{"a":' * 100_000, f"t: nested deeper than {MAX_DEPTH} levels"),
    "many": ('{"a": [' + "[]," * json_text.MAX_NODES + "[]]}", "t: more than 1000000 objects and lists"),
    "no number": ('{"a": NaN}', "t: NaN is no JSON"),
    "cut off": ('{"a": 1', "t: not JSON (Expecting ',' delimiter: line 1 column 8 (char 7)) nor YAML ("),
}


@pytest.mark.parametrize("name", BROKEN_JSON)
def test_broken_json(name: str) -> None:
    text, message = BROKEN_JSON[name]
    with pytest.raises(InputError) as caught:
        parse(text, "t")
    assert str(caught.value).startswith(message)


def test_json() -> None:
    assert parse('{"a": [1, 1.5, 1e999, true, null, "x"]}', "t") == {"a": [1, 1.5, "1e999", True, None, "x"]}
    assert parse('{"a": ' + "9" * 5000 + "}", "t") == {"a": "9" * 5000}
    assert parse("{a: !Ref b}", "t") == {"a": {"Ref": "b"}}, "YAML in flow style begins like JSON"


def test_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps(GOOD).encode())
    assert read_document(file) == GOOD


FILES = {
    "empty": (b"", r"a\.yaml: not a CloudFormation template \(no Resources\)"),
    "no template": (b"a: 1", r"a\.yaml: not a CloudFormation template \(no Resources\)"),
    "list": (b"- Resources", r"a\.yaml: not a CloudFormation template \(no Resources\)"),
    "resources as list": (b"Resources: [a]", r"Resources is no mapping of logical ids to resources"),
    "no type": (b"Resources: {A: {Properties: {}}}", r"the resource 'A' has no Type"),
    "type of no text": (b"Resources: {A: {Type: 5}}", r"the resource 'A' has no Type"),
    "resource of text": (b"Resources: {A: text}", r"the resource 'A' has no Type"),
    "binary": (bytes(range(256)) * 10, r"a\.yaml: not UTF-8 text"),
    "zeros": (b"\0" * 1000, r"a\.yaml: not YAML"),
    "UTF-16": ("Resources: {}".encode("utf-16"), r"a\.yaml: not UTF-8 text"),
}


@pytest.mark.parametrize("name", FILES)
def test_file_that_is_no_template(name: str, tmp_path: Path) -> None:
    content, message = FILES[name]
    file = tmp_path / "a.yaml"
    file.write_bytes(content)
    with pytest.raises(InputError, match=message):
        Assembly.load(file)


def test_paths_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        Assembly.load(tmp_path / "nothing")
    with pytest.raises(InputError, match="holds no CloudFormation template"):
        Assembly.load(tmp_path)
    with pytest.raises(InputError, match=r"null (byte|character)|no such file"):
        Assembly.load("a\0b")
    with pytest.raises(InputError, match="File name too long"):
        Assembly.load("a" * 5000)
    with pytest.raises(InputError, match="No such file or directory"):
        read_document(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="neither file nor folder"):
        Assembly.load(tmp_path / "pipe")


def test_large_files(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("a" * (MAX_YAML_BYTES + 1))
    with pytest.raises(InputError, match=f"{MAX_YAML_BYTES + 1} characters of YAML; at most {MAX_YAML_BYTES} are read"):
        read_document(file)
    file.write_text("{" + "a" * (MAX_YAML_BYTES + 1))
    with pytest.raises(InputError, match="not JSON"):
        read_document(file)
    with file.open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    with pytest.raises(InputError, match=f"{MAX_BYTES + 1} bytes; at most {MAX_BYTES} are read"):
        read_document(file)


def test_twenty_megabytes_are_judged_soon(tmp_path: Path) -> None:
    """Half a million values, forty times more resources than CloudFormation deploys."""
    big = {f"R{number}": resource(**{f"P{index}": "x" * 40 for index in range(20)}) for number in range(20_000)}
    file = write(tmp_path, a__json=template(big)) / "a.json"
    assert file.stat().st_size > 20_000_000
    started = time.process_time()
    assembly = Assembly.load(file)
    assert sum(1 for _ in assembly.of_type("AWS::Test::Thing")) == 20_000
    assert time.process_time() - started < 20


def test_yaml_without_pyyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "breakwater_guards.reading.yaml_events":
            raise ModuleNotFoundError(name="yaml")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    assert parse('{"a": 1}', "t") == {"a": 1}
    with pytest.raises(InputError, match="t: to read YAML, install PyYAML"):
        parse("a: 1", "t")
    with pytest.raises(InputError, match="t: not JSON"):
        parse("{a: 1}", "t")


# Folders


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": {"b": 1, "c": 1, "b": 2}, "d": {}, "d": 5}', {"a": {"b": 2, "c": 1}, "d": 5}),
        ("a: {b: 1, c: 1, b: 2}\nd: {x: 1}\nd: 5", {"a": {"b": 2, "c": 1}, "d": 5}),
    ],
    ids=["json", "yaml"],
)
def test_of_two_equal_keys_the_last_counts_and_a_person_is_told(text: str, found: Any) -> None:
    notices: list[str] = []
    assert parse(text, "t", notices) == found
    assert notices == ["t: written more than once in a mapping: 'b', 'd'; CloudFormation takes the last"]
    assert parse(text, "t") == found
    notices.clear()
    parse('{"a": {"b": 1}, "c": {"b": 1}}', "t", notices)
    assert notices == []


def test_brackets_in_text_are_no_lists() -> None:
    text = "[" * (json_text.MAX_NODES + 1) + '\\"{'
    assert parse(json.dumps({"a": text}), "t") == {"a": text}
