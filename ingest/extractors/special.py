"""What single calls open that the table of calls can't say: command lines, SQL, archives, downloads, addresses."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from typing import Any, Final

from ingest.extractors import databases, shell
from ingest.extractors.calls import TABLES
from ingest.extractors.model import Emit
from ingest.extractors.paths import extension, is_local, looks_like_file
from ingest.extractors.pure import join
from ingest.extractors.statements import sql_files
from ingest.extractors.values import HERE, Command, Value, alternatives, lift, paths_of, text_of

Opener = Callable[[Emit, Sequence[Value], dict[str, Value]], None]
"""Emits what a call opens that is given these positional arguments and keywords."""

ARCHIVES: Final = {"zip": ".zip", "tar": ".tar", "gztar": ".tar.gz", "bztar": ".tar.bz2", "xztar": ".tar.xz"}


def joined(folder: Value, name: Value) -> str:
    """A name in a folder; one that has a folder already, and what is beside a file, stays as it is."""
    place, file = text_of(folder), text_of(name)
    return file if "/" in file or looks_like_file(place) else join(place, file)


def extracted(emit: Emit, positional: Sequence[Value], keywords: dict[str, Value]) -> None:
    """Emit the file that is taken out of an archive, in the folder that is given."""
    member = positional[0] if positional else keywords.get("member")
    folder = positional[1] if len(positional) > 1 else keywords.get("path", "")
    for place in paths_of(folder):
        for path in paths_of(member):
            if is_local(path):
                emit("write", posixpath.join(place, path), "python.archive")


def _options(emit: Emit, positional: Sequence[Value], keywords: dict[str, Value]) -> None:
    """Emit the file that a downloader's options name, where its name is no template."""
    for options in alternatives(positional[0] if positional else keywords.get("params")):
        for path in paths_of(options.get("outtmpl")) if isinstance(options, dict) else ():
            if is_local(path) and "%(" not in path:
                emit("write", path, "python.download")


def _archived(emit: Emit, positional: Sequence[Value], keywords: dict[str, Value]) -> None:
    """Emit the archive that `shutil.make_archive` writes: it adds the ending to the name."""
    base = positional[0] if positional else keywords.get("base_name")
    for kind in paths_of(positional[1] if len(positional) > 1 else keywords.get("format")):
        for path in paths_of(base) if kind in ARCHIVES else ():
            if is_local(path):
                emit("write", path + ARCHIVES[kind], "python.archive")


def _copied(emit: Emit, positional: Sequence[Value], keywords: dict[str, Value]) -> None:
    """Emit what `shutil.copy` or `shutil.move` reads and writes.

    A target without an ending is rather the folder that the file goes to, unless the file has none either.
    """
    source = positional[0] if positional else keywords.get("src")
    target = positional[1] if len(positional) > 1 else keywords.get("dst")
    sources = list(filter(is_local, paths_of(source)))
    for path in sources:
        emit("read", path, "python.copy")
    named = bool(sources) and not any(map(extension, sources))
    for path in filter(is_local, paths_of(target)):
        if named or extension(path) or looks_like_file(path):
            emit("write", path, "python.copy")


def step(emit: Emit, name: str, positional: Sequence[Value], keywords: dict[str, Value]) -> None:
    """Note what a method does with a database, and emit the files that its statement names."""
    if noted := databases.step(name, positional, keywords):
        emit(noted, "", "python.sql")
    if databases.STEPS[name] == "statement":
        _query(emit, positional, keywords)


def _query(emit: Emit, positional: Sequence[Value], keywords: dict[str, Value]) -> None:
    """Emit the files that an SQL statement reads or writes by itself, as DuckDB's does."""
    value = positional[0] if positional else keywords.get("query", keywords.get("sql"))
    for option in alternatives(value):
        text = option if isinstance(option, str) else option.text if isinstance(option, Command) else ""
        for operation, path in sql_files(text):
            emit(operation, path, "python.sql")


def table(emit: Emit, chain: str, positional: Sequence[Value], keywords: dict[str, Value]) -> bool:
    """Emit the files of a table that a method in `TABLE_FORMATS` of a reader or writer names; whether it is of one.

    Args:
        emit: called with operation, path and method of each file.
        chain: dotted name of what the method belongs to, a call in it with brackets: `spark.read.option()`.
        positional: values of the positional arguments.
        keywords: values of the keyword arguments.
    """
    operation = next((TABLES[part] for part in chain.split(".") if part in TABLES), "")
    if not operation:
        return False
    values = positional[:1] if operation == "write" else positional
    for value in values or [keywords.get("path")]:
        for item in value if isinstance(value, list) else [value]:
            for path in paths_of(item):
                if looks_like_file(path):
                    emit(operation, path, "python.pandas")
    return True


def _tests(emit: Emit, positional: Sequence[Value], keywords: dict[str, Value]) -> None:
    """Emit what `pytest.main(["--junitxml=a.xml"])` opens."""
    value = positional[0] if positional else keywords.get("args")
    for option in alternatives(value):
        if isinstance(option, list | tuple):
            command(emit, [["pytest", *option]], {})


def _from_hub(emit: Emit, positional: Sequence[Value], keywords: dict[str, Value]) -> None:
    """Emit the file that is fetched into a folder: `hf_hub_download("a/b", filename="m.bin", local_dir="d")`."""
    folder = keywords.get("local_dir")
    name = positional[1] if len(positional) > 1 else keywords.get("filename")
    for path in paths_of(lift(joined, folder, name)) if folder is not None else ():
        if is_local(path):
            emit("write", path, "python.download")


def _configured(emit: Emit, positional: Sequence[Value], keywords: dict[str, Value]) -> None:
    """Emit AG2's list of configurations: `config_list_from_json("OAI_CONFIG_LIST", file_location="d")`."""
    name = positional[0] if positional else keywords.get("env_or_file")
    for path in paths_of(lift(joined, keywords.get("file_location") or HERE, name)):
        if is_local(path):
            emit("read", path, "python.document")


def _engine(emit: Emit, positional: Sequence[Value], keywords: dict[str, Value]) -> None:
    """Emit the SQLite database of an SQLAlchemy address."""
    for path in paths_of(positional[0] if positional else keywords.get("url")):
        scheme, _, place = path.partition(":///")
        if scheme.startswith("sqlite") and is_local(place):
            emit("database", place, "python.archive")


def addressed(emit: Emit, arguments: Sequence[Value]) -> None:
    """Emit the SQLite databases that any call is given by their addresses: `create_study(storage="sqlite:///a.db")`."""
    for value in arguments:
        if type(value) is str and value.startswith("sqlite:///"):
            _engine(emit, [value], {})


def _handled(emit: Emit, positional: Sequence[Value], keywords: dict[str, Value]) -> None:
    """Emit the logs of `logging.config.dictConfig({"handlers": {"f": {"filename": "a.log"}}})`."""
    for config in alternatives(positional[0] if positional else keywords.get("config")):
        handlers = config.get("handlers") if isinstance(config, dict) else None
        for handler in handlers.values() if isinstance(handlers, dict) else ():
            for path in filter(is_local, paths_of(handler.get("filename"))) if isinstance(handler, dict) else ():
                emit("write", path, "python.open")


def _queried(emit: Emit, positional: Sequence[Value], keywords: dict[str, Value]) -> None:
    """Emit the SQLite database that questions are asked: `SQLDatabase.from_uri("sqlite:///a.db")`."""
    _engine(emit, positional, {"url": keywords.get("database_uri")})
    emit("query", "", "python.sql")


def _retrieved(emit: Emit, positional: Sequence[Value], keywords: dict[str, Value]) -> None:
    """Emit the documents of AG2's `RetrieveUserProxyAgent(retrieve_config={"docs_path": ["a.pdf"]})`."""
    for config in alternatives(keywords.get("retrieve_config")):
        for place in alternatives(config.get("docs_path")) if isinstance(config, dict) else ():
            for item in place if isinstance(place, list | tuple) else [place]:
                for path in filter(looks_like_file, paths_of(item)):
                    emit("read", path, "python.document")


def _logged(emit: Emit, positional: Sequence[Value], keywords: dict[str, Value]) -> None:
    """Emit where AG2 logs to: `runtime_logging.start(config={"dbname": "logs.db"})`."""
    for config in alternatives(positional[1] if len(positional) > 1 else keywords.get("config")):
        for name in ("dbname", "filename") if isinstance(config, dict) else ():
            for path in filter(is_local, paths_of(config.get(name))):
                emit("write", path, "python.archive")


def command(emit: Emit, positional: Sequence[Value], keywords: dict[str, Value]) -> None:
    """Emit what a command line opens, given as one string or as a list of words."""
    value: Any = positional[0] if positional else keywords.get("args", keywords.get("command"))
    for option in alternatives(value):
        if isinstance(option, str | Command):
            for hit in shell.command_files(option if isinstance(option, str) else option.text):
                emit(hit.operation, hit.path, hit.method)
        elif isinstance(option, list | tuple):
            arguments = [path[0] if (path := paths_of(item)) else "" for item in option]
            for hit in shell.argument_files(arguments):
                emit(hit.operation, hit.path, hit.method)


# by the function's whole name; most are given a command line, or the arguments of one
NAMED: Final[dict[str, Opener]] = {
    **dict.fromkeys(
        "os.system os.popen get_ipython().system get_ipython().getoutput asyncio.create_subprocess_shell"
        " subprocess.run subprocess.call subprocess.check_call subprocess.Popen subprocess.check_output"
        " subprocess.getoutput subprocess.getstatusoutput".split(),
        command,
    ),
    **dict.fromkeys("shutil.copy shutil.copy2 shutil.move".split(), _copied),
    "pytest.main": _tests,
    "logging.config.dictConfig": _handled,
    "autogen.runtime_logging.start": _logged,
}
# by the last word of the name
SPECIAL: Final[dict[str, Opener]] = {
    "YoutubeDL": _options,
    "make_archive": _archived,
    "create_engine": _engine,
    "from_uri": _queried,
    "hf_hub_download": _from_hub,
    "config_list_from_json": _configured,
    **dict.fromkeys(("RetrieveUserProxyAgent", "RetrieveAssistantAgent"), _retrieved),
}
