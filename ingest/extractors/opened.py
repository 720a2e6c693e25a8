"""Which files a single call opens, given what is known of its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ingest.extractors import databases
from ingest.extractors.calls import FUNCTIONS, METHODS, TABLE_FORMATS
from ingest.extractors.conventions import PATH_KEYWORDS
from ingest.extractors.guessed import (
    BUILTINS,
    OUTPUT_KEYWORD,
    PYTHONS_OWN,
    STANDARD_LIBRARY,
    file_arguments,
    helper,
    is_class,
    is_naming,
    named_method,
    written,
)
from ingest.extractors.labels import is_elsewhere, is_label, words
from ingest.extractors.model import Call, Emit
from ingest.extractors.paths import WEAK_EXTENSIONS, extension, is_local, looks_like_file
from ingest.extractors.pure import FLAGS
from ingest.extractors.special import NAMED, SPECIAL, addressed, extracted, joined, step, table
from ingest.extractors.values import NAMING_FILES, UNKNOWN, Value, alternatives, lift, listed_paths, paths_of
from ingest.extractors.vocabulary import USUAL

# libraries whose charts `render` into the file that they are given, where templates are given what is read
CHARTS: Final = frozenset(("pyecharts",))
# keywords that give the folder of the file that another names
FOLDERS: Final = frozenset(
    "dirpath dirname directory folder output_path output_dir out_dir local_dir save_dir save_path dest_dir dest_folder"
    " destination_dir download_dir download_path target_dir".split()
)
FILE_NAMES: Final = ("filename", "file_name", "fname")
# modes that say by themselves that something is opened; of one letter it may be a column's name or a colour
MODES: Final = frozenset(f"{kind}{rest}" for kind in "rwax" for rest in ("", "b", "t", "+", "b+", "+b", "t+", "+t")) - {
    "x"
}
# how ROOT's options call a file that is made anew
OF_ROOT: Final = frozenset(("new", "create", "recreate"))
# what opens an archive out of which single files are taken
UNPACKING: Final = frozenset("zipfile.ZipFile tarfile.open tarfile.TarFile tarfile.TarFile.open".split())
WRITING_FLAGS: Final = (
    FLAGS["os.O_WRONLY"] | FLAGS["os.O_RDWR"] | FLAGS["os.O_CREAT"] | FLAGS["os.O_TRUNC"] | FLAGS["os.O_APPEND"]
)
# builtins that open nothing
OPENING_NOTHING: Final = BUILTINS - {*FUNCTIONS, *METHODS, *databases.STEPS, *TABLE_FORMATS, *NAMED, *SPECIAL}
# methods that some of `NAMED` end with
NAMED_METHODS: Final = frozenset(name.rpartition("().")[2] for name in NAMED if "()." in name)
# kinds of values that name files, or hold some that do
GIVEN_FILES: Final = NAMING_FILES | {dict}
# `open` of any other library
OPENS: Final = [(Call("open", "mode", strict=True), "python.open")]


def function(
    emit: Emit, name: str, imported: bool, bare: bool, positional: Sequence[Value], keywords: dict[str, Value]
) -> None:
    """Emit what a call of a named function opens.

    Args:
        emit: called with operation, path and method of each file.
        name: dotted name, after imports are resolved.
        imported: whether its first part is a module, class or function that the program imports, or a builtin.
        bare: whether the program calls it by one word, not as a member of something.
        positional: values of the positional arguments.
        keywords: values of the keyword arguments.
    """
    if name in OPENING_NOTHING:
        return
    if name in NAMED:
        NAMED[name](emit, positional, keywords)
        return
    if len(keywords) > 1:
        keywords = _in_folder(keywords)
    last = name.rsplit(".", 1)[-1]
    if last in databases.STEPS and last != name:
        step(emit, last, positional, keywords)
        return
    special = SPECIAL.get(last)
    if special is not None:
        special(emit, positional, keywords)
        return
    arguments = (*positional, *keywords.values())
    if GIVEN_FILES.isdisjoint(map(type, arguments)):
        return
    rows = FUNCTIONS.get(name)
    if last in TABLE_FORMATS and table(emit, name.rpartition(".")[0], positional, keywords) and rows is None:
        return
    if last == "open" and imported and rows is None and name.split(".", 1)[0] not in STANDARD_LIBRARY:
        rows = OPENS
    if rows is None and not name.startswith("."):
        rows = METHODS.get(last)
    if rows is not None:
        _apply_all(emit, rows, positional, keywords)
        return
    addressed(emit, arguments)
    if not any(map(_may_be_file, arguments)):
        return
    if last == "write" and "." in name:
        written(emit, name.split(".", 1)[0], imported, positional, keywords)
    elif is_elsewhere(name, last) or ((imported or is_class(last)) and _by_mode(emit, name, positional, keywords)):
        return
    elif "." in name and not imported:
        named_method(emit, last, positional, keywords)
    elif name not in BUILTINS and name.split(".", 1)[0] not in STANDARD_LIBRARY:
        if bare:
            helper(emit, last, positional, keywords)
        else:
            named_method(emit, last, positional, keywords)


def method(emit: Emit, prefix: str, name: str, positional: Sequence[Value], keywords: dict[str, Value]) -> None:
    """Emit what a method opens of an object that the call `prefix` returned ('' where that is not known)."""
    if len(keywords) > 1:
        keywords = _in_folder(keywords)
    if name in databases.STEPS:
        step(emit, name, positional, keywords)
        return
    if name in NAMED_METHODS and (opener := NAMED.get(f"{prefix}().{name}")):
        opener(emit, positional, keywords)
        return
    if name == "extract":
        if prefix in UNPACKING:
            extracted(emit, positional, keywords)
        return
    if name == "render" and prefix.split(".", 1)[0] in CHARTS:
        for path in paths_of(positional[0] if positional else keywords.get("path", "render.html")):
            if looks_like_file(path):
                emit("write", path, "python.method")
        return
    arguments = (*positional, *keywords.values())
    if GIVEN_FILES.isdisjoint(map(type, arguments)):
        return
    if name in TABLE_FORMATS and table(emit, f"{prefix}()", positional, keywords):
        return
    rows = FUNCTIONS.get(f"{prefix}().{name}") if prefix else None
    if rows is None:
        rows = METHODS.get(name)
    if rows is not None:
        _apply_all(emit, rows, positional, keywords)
    elif not any(map(_may_be_file, arguments)):
        return
    elif name == "write":
        written(emit, prefix.split(".", 1)[0], not prefix.endswith("open"), positional, keywords)
    elif is_elsewhere(prefix, name):
        return
    elif prefix.split(".", 1)[0] not in STANDARD_LIBRARY and prefix not in BUILTINS:
        named_method(emit, name, positional, keywords)


def _may_be_file(value: Value) -> bool:
    """Whether an argument looks like a file, or may hold what does."""
    return looks_like_file(value) if type(value) is str else type(value) in GIVEN_FILES


def _in_folder(keywords: dict[str, Value]) -> dict[str, Value]:
    """The keywords of a call, a file's name joined to its folder, as in `dirpath="d", filename="a.pdf"`."""
    if FOLDERS.isdisjoint(keywords):
        return keywords
    name = next((keyword for keyword in FILE_NAMES if keyword in keywords), "")
    if not name:
        return keywords
    folder = next(value for keyword, value in keywords.items() if keyword in FOLDERS)
    return keywords if folder is None else {**keywords, name: lift(joined, folder, keywords[name])}


def called(emit: Emit, prefix: str, positional: Sequence[Value], keywords: dict[str, Value]) -> None:
    """Emit what a call of an object opens that the call `prefix` returned: `pipe = pipeline("asr"); pipe("a.mp3")`."""
    if prefix.split(".", 1)[0] not in PYTHONS_OWN:
        for keyword, path, _ in file_arguments("", positional, keywords):
            if " " not in path:  # else it is a prompt
                emit("write" if OUTPUT_KEYWORD.search(keyword) else "read", path, "python.helper")


def path_method(emit: Emit, path: str, name: str, positional: Sequence[Value], keywords: dict[str, Value]) -> None:
    """Emit what a method of a `pathlib` path opens."""
    if not is_local(path):
        return
    extractor = "python.pathlib"
    if name in ("write_text", "write_bytes", "touch"):
        emit("write", path, extractor)
    elif name in ("read_text", "read_bytes"):
        emit("read", path, extractor)
    elif name == "open":
        for operation in _mode(positional[0] if positional else keywords.get("mode", "r")):
            emit(operation, path, extractor)
    elif name in ("rename", "replace"):
        emit("read", path, extractor)
        for target in paths_of(positional[0] if positional else keywords.get("target")):
            if is_local(target):
                emit("write", target, extractor)


def _mode(value: Value) -> list[str]:
    """The operations that a mode string stands for."""
    for option in alternatives(value):
        if isinstance(option, str):
            option = option.lower()
            if "+" in option or option == "update":
                return ["read", "write"]
            return ["write"] if option[:1] in ("w", "a", "x") or option in OF_ROOT else ["read"]
    return ["read"]


def _flags(value: Value) -> list[str]:
    """The operations that the flags of `os.open` stand for."""
    for option in alternatives(value):
        if isinstance(option, int):
            if option & FLAGS["os.O_RDWR"] and not option & FLAGS["os.O_TRUNC"]:
                return ["read", "write"]
            return ["write"] if option & WRITING_FLAGS else ["read"]
    return ["read"]


def _by_mode(emit: Emit, name: str, positional: Sequence[Value], keywords: dict[str, Value]) -> bool:
    """Emit the file that stands first among the arguments, where the next is a mode; whether that is so."""
    mode = positional[1] if len(positional) > 1 else keywords.get("mode")
    if not positional or not isinstance(mode, str) or mode not in MODES:
        return False
    if name in BUILTINS or name.split(".", 1)[0] in STANDARD_LIBRARY:
        return False
    last = name.rsplit(".", 1)[-1]
    if len(mode) == 1 and "mode" not in keywords and not is_class(last) and "open" not in last:
        return False
    if is_naming(last, words(last)):
        return True
    paths = [path for path in paths_of(positional[0]) if looks_like_file(path)]
    for path in paths:
        # a class may be given the name of anything that has a dot
        if is_class(last) and extension(path) in WEAK_EXTENSIONS - USUAL and "/" not in path:
            continue
        for operation in _mode(mode):
            emit(operation, path, "python.method")
    return bool(paths)


def _apply_all(
    emit: Emit, rows: Sequence[tuple[Call, str]], positional: Sequence[Value], keywords: dict[str, Value]
) -> None:
    """Emit what a call from the table opens, and what a keyword says is its output beside that."""
    for call, extractor in rows:
        _apply(emit, call, extractor, positional, keywords)
    for name, value in keywords.items():
        if OUTPUT_KEYWORD.search(name) and not is_label(name):
            for path in paths_of(value):
                if looks_like_file(path):
                    emit("write", path, "python.method")


def _apply(emit: Emit, call: Call, extractor: str, positional: Sequence[Value], keywords: dict[str, Value]) -> None:
    """Emit what a call from the table opens."""
    if call.position < len(positional):
        value = positional[call.position]
    else:
        names = call.keywords or PATH_KEYWORDS
        value = next((keywords[name] for name in names if name in keywords), None)
    operations = [call.operation]
    if call.operation == "mode":
        given = keywords.get("mode", call.mode_default)
        operations = _mode(positional[call.mode_position] if call.mode_position < len(positional) else given)
    elif call.operation == "flags":
        operations = _flags(positional[call.mode_position] if call.mode_position < len(positional) else UNKNOWN)
    second = positional[1] if len(positional) > 1 else None
    if call.changes and _is_set(keywords.get(call.changes, second)):
        operations = ["read", "write"]
    if call.reading and _is_set(keywords.get(call.reading, second)):
        operations = ["read"]
    accepted = looks_like_file if call.strict else is_local
    if call.operation == "database":
        value, operations = _of_address(value, operations)
    for path in paths_of(value) if call.operation != "read" else listed_paths(value):
        if accepted(path):
            path = path if path.endswith(call.ending) else path + call.ending
            for operation in operations:
                emit(operation, path, extractor)


def _of_address(value: Value, operations: list[str]) -> tuple[Value, list[str]]:
    """The path and operations of a database, also of one that an address names: `file:a.db?mode=ro`."""
    for path in paths_of(value):
        if path.startswith("file:"):
            place, _, settings = path[5:].partition("?")
            if "mode=memory" in settings:
                return None, operations
            return place.removeprefix("//"), ["read"] if "mode=ro" in settings else operations
    return value, operations


def _is_set(value: Value) -> bool:
    """Whether a switch is known to be on."""
    return isinstance(value, int) and bool(value)
