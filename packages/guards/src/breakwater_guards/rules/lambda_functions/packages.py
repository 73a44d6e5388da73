"""The code of a Lambda function as far as it lies beside the templates: inline, or an asset of a cloud assembly."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.tokens import deferred
from breakwater_guards.model.values import Text
from breakwater_guards.model.views import view

if TYPE_CHECKING:
    from zipfile import ZipFile

Answer = TypeVar("Answer")
_STAGING = re.compile(r"cdk-[a-z0-9]+-assets-")
_KEY = re.compile(r"[0-9a-f]{64}\.\w+")
# What a build replaces, e.g. <ZIPFILE_PLACEHOLDER>.
_STAND_IN = re.compile(r"\s*(<[^<>\n]+>|\{\{[^{}\n]+\}\}|%\w+%|@\w+@)\s*")
_LANGUAGE = re.compile(r"^(python|nodejs|ruby|provided|java|dotnet)")
MAX_FILE = 4 * 1024 * 1024
_SUFFIXES = {
    "python": (".py", "/__init__.py", ".pyc", ".so"),
    "nodejs": (".js", ".mjs", ".cjs", ""),
    "ruby": (".rb",),
}


class Asset:
    """What the template says lies beside it.

    Args:
        name: as the template writes it.
        path: where that is.
    """

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, path

    def problem(self) -> str | None:
        """Return why the asset cannot be deployed, or ``None``."""
        if not self.path.exists():
            return "does not exist"
        try:
            empty = not any(self.path.iterdir()) if self.path.is_dir() else self.path.stat().st_size == 0
        except OSError:
            return "cannot be read"
        return "is empty" if empty else None

    def holds(self, candidates: list[str]) -> bool | None:
        """Tell whether one of some files is in the asset; ``None`` when the asset cannot be read as one."""
        try:
            if self._top is not None:
                return any((self.path / candidate).is_file() for candidate in candidates)
        except (OSError, ValueError):
            return None
        return _in_archive(self.path, lambda archive: not set(candidates).isdisjoint(archive.namelist()))

    def read(self, name: str) -> str | None:
        """Return the text of a file of the asset, or ``None`` when it has no such file."""
        try:
            if self._top is not None:
                if name.partition("/")[0] not in self._top:
                    return None
                file = self.path / name
                return file.read_text(encoding="utf-8") if file.is_file() and file.stat().st_size < MAX_FILE else None
        except (OSError, ValueError):
            return None
        return _in_archive(self.path, lambda archive: _small_text(archive, name))

    @cached_property
    def _top(self) -> frozenset[str] | None:
        """What lies at the top of a folder: most modules that code imports do not; ``None`` for an archive."""
        return frozenset(item.name for item in self.path.iterdir()) if self.path.is_dir() else None

    def has_archives(self) -> bool:
        """Tell whether the asset has archives in it, which may hold a class; so does one that cannot be read."""
        folder = self._top is not None
        names = (
            map(str, self.path.rglob("*.jar")) if folder else _in_archive(self.path, lambda zipped: zipped.namelist())
        )
        return names is None or any(name.endswith(".jar") for name in names)

    @cached_property
    def vendored(self) -> frozenset[str]:
        """Modules of libraries that were installed into the asset, as their lists of files say."""
        try:
            records = self.path.glob("*.dist-info/RECORD") if self.path.is_dir() else ()
            lines = [line for record in records for line in record.read_text(encoding="utf-8").splitlines()]
        except (OSError, ValueError):
            return frozenset()
        return frozenset(line.split(",")[0].split("/")[0].removesuffix(".py") for line in lines)


def _in_archive(path: Path, ask: Callable[[ZipFile], Answer]) -> Answer | None:
    """Return what an archive answers, or ``None`` when it cannot be read."""
    # Here: most assets are folders, and the import takes as long as judging fifty resources.
    from zipfile import BadZipFile, ZipFile  # noqa: PLC0415

    try:
        with ZipFile(path) as archive:
            return ask(archive)
    except (BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError):
        return None


def _small_text(archive: ZipFile, name: str) -> str | None:
    small = name in archive.namelist() and archive.getinfo(name).file_size < MAX_FILE
    return archive.read(name).decode() if small else None


def asset_of(function: Resource) -> Asset | None:
    """Return the local code of a function, or ``None`` when it is elsewhere or outside what is judged.

    CDK names the staged asset in the metadata; `aws cloudformation package` takes a path for ``Code``. What
    `sam build` makes of a ``CodeUri`` need not exist yet.
    """
    folder = function.template.assembly.folder
    name = _local_name(function)
    if folder is None or name is None or Path(name).is_absolute():
        return None
    try:
        root = folder.resolve()
        path = (root / PurePosixPath(function.template.key).parent / name).resolve()
        path.exists()
    except (OSError, RuntimeError, ValueError):
        return None  # no path of this system: a NUL, a name too long, a circle of links
    return Asset(name, path) if path.is_relative_to(root) and path != root else None


def missing_key(app: Assembly, function: Resource) -> str | None:
    """Return the key of a function's code that looks like an asset's, and is none that the cloud assembly publishes."""
    bucket, key = function.get("Code.S3Bucket"), function.get("Code.S3Key")
    text = bucket.known if isinstance(bucket, Text) else bucket
    published = view(app, _published)
    staged = isinstance(text, str) and _STAGING.match(text) and isinstance(key, str) and _KEY.fullmatch(key)
    return key if staged and published and key not in published and not _is_staged(app, key) else None


def _is_staged(app: Assembly, key: str) -> bool:
    """Tell whether an asset lies in the folder, and only a manifest that was edited by hand leaves it out."""
    return app.folder is not None and any(app.folder.rglob(f"asset.{key.partition('.')[0]}*"))


def _published(app: Assembly) -> set[str]:
    """Return the keys of the files that a cloud assembly publishes, of all of its stacks."""
    keys: set[str] = set()
    for path in sorted(app.folder.rglob("*.assets.json")) if app.folder is not None and app.path == app.folder else ():
        try:
            files = json.loads(path.read_text(encoding="utf-8")).get("files", {})
            keys |= {place["objectKey"] for file in files.values() for place in file["destinations"].values()}
        except (OSError, ValueError, AttributeError, KeyError, TypeError):
            return set()
    return keys


def handler_files(runtime: str, handler: str) -> list[str]:
    """Return the files of which one must hold a handler; empty for runtimes whose packages are not readable.

    Args:
        runtime: e.g. ``python3.13``.
        handler: e.g. ``package.module.function``.
    """
    match = _LANGUAGE.match(runtime)
    language = match[1] if match else ""
    if language == "provided":
        return ["bootstrap"]
    if language == "java":
        return [f"{handler.partition('::')[0].replace('.', '/')}.class"]
    if language == "dotnet":
        return [f"{handler.partition('::')[0]}.dll"]
    if language not in _SUFFIXES or handler.startswith("/") or ".." in handler:
        return []
    module = _module(language, handler)
    return [f"{module}{suffix}" for suffix in _SUFFIXES[language]] if module else []


def inline_problems(runtime: Any, handler: Any, code: Any) -> Iterator[str]:
    """Yield what keeps inline code from running; CloudFormation writes it to a file called ``index``."""
    if isinstance(runtime, str) and not runtime.startswith(("nodejs", "python")):
        yield f"inline code takes a Node.js or Python runtime, not {runtime!r}"
    if not isinstance(handler, str) or deferred(handler):
        return
    module, _, name = handler.rpartition(".")
    if module != "index":
        yield f"inline code is the file index, so the handler is index.<function>, not {handler!r}"
    elif (
        isinstance(code, str)
        and code.strip()
        and not _STAND_IN.fullmatch(code)
        and not re.search(rf"\b{re.escape(name)}\b", code)
    ):
        yield f"{name!r} of handler {handler!r} does not occur in the inline code"


def module_of(runtime: str, handler: str) -> tuple[str, str]:
    """Split a handler into the path of its module and the name of its function; empty where the runtime is another."""
    match = _LANGUAGE.match(runtime)
    module = _module(match[1], handler) if match and match[1] in _SUFFIXES and ".." not in handler else ""
    return module, handler.rpartition(".")[2]


def _module(language: str, handler: str) -> str:
    folder, _, last = handler.rpartition("/")
    if language == "python":
        return handler.rpartition(".")[0].replace(".", "/")
    module = last.partition(".")[0]  # Node.js and Ruby: everything after the first dot is within the file
    return f"{folder}/{module}" if folder else module


def _local_name(function: Resource) -> str | None:
    metadata = function.body.get("Metadata")
    if isinstance(metadata, dict) and "aws:asset:path" in metadata:
        name = metadata["aws:asset:path"]
        staged = metadata.get("aws:asset:property") == "Code" and _in_cloud_assembly(function)
        return name if staged and isinstance(name, str) and name else None
    code = function.get("Code")
    return code if isinstance(code, str) and code and "://" not in code and not deferred(code) else None


def _in_cloud_assembly(function: Resource) -> bool:
    """Tell whether the template lies in a cloud assembly; elsewhere its assets need not be beside it."""
    folder = function.template.assembly.folder
    return folder is not None and (folder / PurePosixPath(function.template.key).parent / "manifest.json").is_file()
