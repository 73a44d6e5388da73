"""The mutation run: it tells a noticed mistake from a survivor, and says so."""

from __future__ import annotations

import ast
import io
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from rich.console import Console

from scripts import mutants, mutants_pool
from scripts.mutants_judge import KILLED, ROOT, SURVIVED, UNCHANGED, Verdict
from scripts.mutants_pool import Judged, MutantsError, judge_all
from scripts.mutants_source import Mutation


def test_every_mutation_of_the_platform_is_python_that_says_something_else() -> None:
    found = mutants.find(ROOT, ["kms", "policies"])
    assert {mutation.path for mutation in found} == {"stacks/kms.py", "stacks/policies.py"}
    sources = {path: (ROOT / path).read_text(encoding="utf-8") for path in {mutation.path for mutation in found}}
    trees = {path: ast.dump(ast.parse(source)) for path, source in sources.items()}
    for mutation in found:
        source = sources[mutation.path]
        assert ast.dump(ast.parse(mutation.apply(source))) != trees[mutation.path], mutation
        assert mutation.diff(source).startswith("-")
    assert found == sorted(found), "the order is that of the files"
    assert len(set(found)) == len(found)
    assert {mutation.kind for mutation in found} >= {"drop keyword", "flip boolean", "swap member", "change text"}


def test_members_of_enumerations() -> None:
    find = mutants.members_in("stacks.policies")
    assert find("logs.RetentionDays", "ONE_DAY") not in (None, "ONE_DAY")
    assert find("RemovalPolicy", "DESTROY") not in (None, "DESTROY")
    assert find("RemovalPolicy", "NO_SUCH_MEMBER") is None
    assert find("logs.NoSuchClass", "ONE_DAY") is None
    assert find("no_such_module.A", "B") is None
    assert find("f()", "DESTROY") is None
    last = mutants.members_in("stacks.names")
    assert last("TagKey", "COST_CENTER") == "PROJECT"


def test_a_sample_is_the_same_in_every_run() -> None:
    found = [Mutation("stacks/x.py", number, number + 1, "", "drop", 1) for number in range(100)]
    sample = mutants.select(found, sample=10, limit=None)
    assert sample == mutants.select(found, sample=10, limit=None) == sorted(sample)
    assert len(sample) == 10
    assert mutants.select(found, sample=None, limit=3) == found[:3]
    assert mutants.select(found, sample=1000, limit=None) == found


FILES = {
    "app.py": "",
    "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["."]\naddopts = ["--import-mode=importlib"]\n',
    "stacks/__init__.py": "",
    "stacks/names.py": "LIMIT = 5\n",
    "stacks/things.py": """
        PORT = 443
        HIDDEN = 1
        OTHER = 2


        def things() -> dict[str, int]:
            number = PORT
            while number > 443:
                number = PORT
            return {"port": number, "hidden": HIDDEN, "sum": 10 // (3 - OTHER)}


        def unused() -> str:
            return "a"
        """,
    "tests/__init__.py": "",
    "tests/profiles.py": 'PROFILES = {"dev": {}}\n',
    "tests/assembly.py": """
        import tempfile
        from pathlib import Path
        from types import SimpleNamespace

        from stacks.things import things


        def assembly(profile):
            folder = Path(tempfile.mkdtemp())
            (folder / "manifest.json").write_text("{}")
            return SimpleNamespace(folder=folder, templates={"Root": SimpleNamespace(document=things())})
        """,
    "tests/stacks/__init__.py": "",
    "tests/stacks/test_things.py": """
        import pytest
        from tests.assembly import assembly
        from stacks.things import unused


        @pytest.fixture
        def deployment():
            return assembly("dev")


        def test_port(deployment):
            assert deployment.templates["Root"].document["port"] == 443


        def test_unused():
            assert len(unused()) == 1
        """,
    "tests/stacks/test_process.py": "import subprocess\n\n\ndef test_slow():\n    raise AssertionError('left out')\n",
    "tests/settings/__init__.py": "",
    "tests/test_names.py": "from stacks.names import LIMIT\n\n\ndef test_limit():\n    assert LIMIT == 5\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of the same shape, without CDK."""
    for name, text in FILES.items():
        file = tmp_path / "project" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
    return tmp_path / "project"


def _mutation(project: Path, old: str, new: str, path: str = "stacks/things.py") -> Mutation:
    source = (project / path).read_text(encoding="utf-8")
    assert source.count(old) == 1
    return Mutation(path, source.index(old), source.index(old) + len(old), new, "test", 1)


def test_verdicts(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many that processes grow old and are replaced; one of them hangs and one dies."""
    before = {file: file.read_bytes() for file in project.rglob("*") if file.is_file()}
    cases = {
        _mutation(project, "443\nHIDDEN", "442\nHIDDEN"): (KILLED, "tests/stacks/test_things.py::test_port"),
        _mutation(project, "HIDDEN = 1", "HIDDEN = 2"): (SURVIVED, ""),
        _mutation(project, "OTHER = 2", "OTHER = 3"): (KILLED, "synth: ZeroDivisionError"),
        _mutation(project, "OTHER = 2", "OTHER = 2 + 0"): (UNCHANGED, ""),
        _mutation(project, '"a"', '"ab"'): (KILLED, "tests/stacks/test_things.py::test_unused"),
        _mutation(project, "LIMIT = 5", "LIMIT = 6", "stacks/names.py"): (KILLED, "tests/test_names.py::test_limit"),
        _mutation(project, "LIMIT = 5", "LIMIT = 4 + 1", "stacks/names.py"): (SURVIVED, ""),
        _mutation(project, "= PORT\n    while", "= 444\n    while"): (UNCHANGED, ""),
        _mutation(project, "number > 443", "number >= 443"): (KILLED, "no end within 6 s"),
        _mutation(project, "HIDDEN = 1", "HIDDEN = __import__('os')._exit(3)"): (KILLED, "the process died"),
    }
    monkeypatch.setattr(mutants_pool, "MUTATIONS_PER_PROCESS", 3)
    judged = {it.mutation: it.verdict for it in judge_all(project, list(cases), processes=2, timeout=6)}
    assert set(judged) == set(cases)
    for mutation, (status, reason) in cases.items():
        assert judged[mutation].status == status, mutation
        assert judged[mutation].reason.startswith(reason), judged[mutation]
    assert before == {file: file.read_bytes() for file in project.rglob("*") if file.is_file()}


def test_tests_that_fail_anyhow_are_named(project: Path) -> None:
    test = project / "tests" / "test_names.py"
    test.write_text("def test_never() -> None:\n    raise AssertionError\n", encoding="utf-8")
    mutation = _mutation(project, "443\nHIDDEN", "442\nHIDDEN")
    with pytest.raises(MutantsError, match=r"^the tests fail without any mutation: tests/test_names.py::test_never$"):
        list(judge_all(project, [mutation], processes=1, timeout=6))


def test_tests_that_cannot_be_imported_are_named(project: Path) -> None:
    (project / "tests" / "stacks" / "test_things.py").write_text("import no_such_module\n", encoding="utf-8")
    with pytest.raises(MutantsError, match=r"tests/stacks/test_things.py \(at import\)$"):
        list(judge_all(project, [_mutation(project, "443\nHIDDEN", "442\nHIDDEN")], processes=1, timeout=6))


def _judged(project: Path, *statuses: str) -> list[Judged]:
    found = mutants.find(project, ["names"])[: len(statuses)]
    assert len(found) == len(statuses)
    return [Judged(it, Verdict(status, "why"), 1.0) for it, status in zip(found, statuses, strict=True)]


def test_the_report_names_survivors_and_counts_the_rest() -> None:
    results = _judged(ROOT, SURVIVED, KILLED, KILLED, KILLED, UNCHANGED)
    out = io.StringIO()
    mutants.report(Console(file=out, width=100), ROOT, results)
    said = out.getvalue()
    survivor = results[0].mutation
    source = (ROOT / "stacks" / "names.py").read_text(encoding="utf-8")
    assert f"stacks/names.py:{survivor.line}: {survivor.kind}\n{survivor.diff(source)}\n" in said
    assert said.count("stacks/names.py:") == 1
    assert "│ stacks/names.py │      3 │        1 │                   1 │  75.0 % │" in said
    assert json.loads(mutants.as_json(ROOT, results[0])) == {
        "path": "stacks/names.py",
        "line": survivor.line,
        "kind": survivor.kind,
        "diff": survivor.diff(source),
        "status": "survived",
        "reason": "why",
        "seconds": 1.0,
    }


def test_progress_says_how_far_and_how_long() -> None:
    out = io.StringIO()
    progress = mutants.Progress(Console(file=out, width=100), 2)
    for judged in _judged(ROOT, KILLED, SURVIVED):
        progress.count(judged)
    assert out.getvalue() == "2/2  1 killed, 1 survived, 0 no template changes, 0 min left \n"


def test_an_unknown_module_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert mutants.main(["--module", "nonsense"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(
        "mutants: no file of stacks or lambda_src is called nonsense; there are stacks/__init__.py, "
    )
    assert said.err.count("\n") == 1


def test_a_run_from_the_command_line(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mutants, "ROOT", project)
    # Enumerations are looked up in the modules of this repository; the project of the test has none.
    monkeypatch.setattr(mutants, "members_in", lambda _: lambda _base, _member: None)
    file = tmp_path / "verdicts.json"
    assert (
        mutants.main(["--module", "things", "--sample", "6", "--limit", "4", "--timeout", "6", "--json", str(file)])
        == 0
    )
    verdicts = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert len(verdicts) == 4
    assert {it["path"] for it in verdicts} == {"stacks/things.py"}
    assert "Mutations" in capsys.readouterr().out


@pytest.fixture
def interruptible() -> Iterator[None]:
    """As a terminal starts it: a background job inherits an ignored SIGINT, and Python then has no handler for it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_whoever_ends_a_run_gets_what_it_found(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stop: signal.Signals
) -> None:
    def end_after_one(*_: object, **__: object) -> Iterator[Judged]:
        (one,) = _judged(project, SURVIVED)
        yield one
        os.kill(os.getpid(), stop)
        raise AssertionError("the run goes on")  # pragma: no cover

    monkeypatch.setattr(mutants, "ROOT", project)
    monkeypatch.setattr(mutants, "members_in", lambda _: lambda _base, _member: None)
    monkeypatch.setattr(mutants, "judge_all", end_after_one)
    assert mutants.main(["--module", "names"]) == 130
    assert "stacks/names.py:1: change number\n-LIMIT = 5\n+LIMIT = 6" in capsys.readouterr().out
