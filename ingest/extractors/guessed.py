"""Which files calls open that no table knows, by the words of their names and keywords."""

from __future__ import annotations

import builtins
import re
import sys
from collections.abc import Sequence, Set
from typing import Final

from ingest.extractors.labels import (
    LINKING,
    NAMES,
    is_address,
    is_exception,
    is_judging,
    is_label,
    is_sentence,
    named_for_others,
    words,
)
from ingest.extractors.model import Emit
from ingest.extractors.paths import EXTENSIONS, STORED_EXTENSIONS, WEAK_EXTENSIONS, extension, looks_like_file
from ingest.extractors.values import NAMING_FILES, Value, alternatives, listed_paths, paths_of
from ingest.extractors.vocabulary import SPACED

BUILTINS: Final = frozenset(dir(builtins))
STANDARD_LIBRARY: Final = frozenset(sys.stdlib_module_names)
PYTHONS_OWN: Final = BUILTINS | STANDARD_LIBRARY
WRITING: Final = frozenset(
    "save saves saved write writes export exports dump dumps download downloads store create generate output"
    " persist record"
    " screenshot savefig saveas".split()
)
READING: Final = frozenset(
    "read readfile reads load open parse import upload transcribe from ocr file picture image attach attachment"
    " ingest process"
    " analyze extract loader reader convert scan summarize summarise describe predict detect recognize recognise"
    " segment caption embed".split()
)
# classes of objects that write to the file that they are given
WRITING_CLASSES: Final = frozenset(
    "logger checkpoint writer handler backend recorder sink saver exporter reporter".split()
)
# and of those that read it, whatever else their names have: `TFRecordDataset`, `DownloadReader`
READING_CLASSES: Final = frozenset("dataset reader loader parser".split())
# methods whose first string is a file only where the object is of a kind that the table of calls names
NO_METHODS: Final = frozenset(
    "write writestr open extract namelist getinfo append add remove get post put find split replace"
    " startswith"
    " endswith join match search sub print log info debug warning error isfile exists index count encode decode"
    " file_uploader download_button loads Digraph Graph Input Output State".split()
)
# words of a function that is given the name of something, not a file
NAMING: Final = frozenset("color colour colors colours key keys format title label labels".split())
# a keyword that gives what is written whatever the function is called
SAVED: Final = re.compile(r"(?i)^(?:out(?:put|file|path|_|$)|save|dest)")
# libraries whose `write` shows a text, and keywords that say that a `write` is given a file
SHOWING: Final = frozenset(("streamlit", "st", "tqdm", "click"))
STREAMS: Final = PYTHONS_OWN | SHOWING
FILE_KEYWORDS: Final = frozenset(("overwrite", "format", "append", "file_format"))
# functions that are told a file's name without opening it
NO_HELPERS: Final = frozenset(
    "snapshot_download"
    " print display input exists isfile getattr hasattr remove unlink delete url link html markdown"
    " path re_path url_for redirect detect_language".split()
)
# what such a function is given after its data is where the picture or page goes
DRAWING: Final = frozenset("plot draw visualize visualise render make build chart figure".split())
DRAWN_TO: Final = frozenset("filename file_name path file_path filepath file fname".split())
# keywords under which a dictionary holds files: `load_dataset("json", data_files={"train": "a.json"})`
FILES: Final = re.compile(r"(?:\w+_)?(?:files|paths)")
# keywords that name a file which an unknown call reads where nothing says that it writes, and words of what is made
GIVEN: Final = re.compile(r"(?:\w+_)?(?:path|file|filename|file_name|filepath)")
RESULTS: Final = frozenset(
    "plot figure fig chart report result results log cache checkpoint ckpt history temp tmp new".split()
)
# calls that do neither: they name a file, look whether it is there, or make something of it
UNREAD: Final = (
    frozenset(
        "add append begin build capture check close commit copy count delete draw drop exist exists finish"
        " grab has init insert is legend link list log make mark match mkdir move name new plot print"
        " produce profile push put record register remove rename render replace route send serve set shoot"
        " show snap speak start stop submit synthesize take to touch trace unlink update watch".split()
    )
    | WRITING
)
CONVERTING: Final = frozenset("convert transform copy move compress resize translate rename clean merge".split())
# what a function returns that makes it of a file: `render_to_string`, `pdf_to_text`
RETURNED: Final = frozenset(
    "string str text response dict list bytes hub base64 b64 url uri array tensor dataframe df images".split()
)
# keywords of other names that give what some methods read: `model.train(data="coco.yaml")`
READ_BY: Final = {"data": frozenset("train val tune".split()), "input": frozenset(("train",))}
NO_READERS: Final[frozenset[str]] = frozenset()
# keywords that name a file for those who receive it, and calls in which others do so as well
LABELS: Final = frozenset("download_name attachment_filename Name path_in_repo key Key".split())
LABELLING: Final = frozenset(
    "add_attachment Attachment MIMEApplication MIMEImage MIMEAudio MIMEBase MIMEText FileResponse BufferedInputFile"
    " InputFile attach File".split()
)
OUTPUT_KEYWORD: Final = re.compile(
    r"(?i)^(?:out(?:put|file|path|_|$)|save|write_to|dest|target_|export|to_|result_|log_?file)"
)
# what the object is that is made of a file: `create_csv_agent`, `create_data_loader`
MADE_OF: Final = frozenset("agent loader retriever engine chain tool".split())
# what a chart, tree or graph is drawn as
PICTURES: Final = frozenset("png jpg jpeg svg pdf eps gif mp4 gv".split())
# those that are drawn into a picture or page, where what else stands behind the data is a label: `plot(x, y, "a.csv")`
PLOTTING: Final = frozenset("plot draw visualize visualise render chart figure".split())
DRAWN_AS: Final = PICTURES | frozenset("html htm tif tiff webp bmp dot ps".split())
# what is rendered into a page of its own; any other page is a template
DRAWN_PAGES: Final = frozenset("chart plot map graph network figure".split())
# what templates end with
TEMPLATES: Final = frozenset("html htm xhtml txt xml j2 jinja jinja2 mako".split())
# what `write` may be given as a text, so that it is no file where nothing else says so
WRITTEN_AS_TEXT: Final = frozenset(
    "txt log md rst tex csv tsv json jsonl py ipynb html htm xml yaml yml toml ini cfg conf sh bash sql js css".split()
)
# and what not
WRITTEN_AS_DATA: Final = EXTENSIONS - WRITTEN_AS_TEXT - SPACED
# how libraries of tables call the format of what `write` is given after the file
FORMAT: Final = re.compile(r"(?:ascii|pandas)\.\w{1,30}|ascii|fits|hdf5|votable")
NO_OUTPUTS: Final[frozenset[str]] = frozenset()


def file_arguments(
    function: str, positional: Sequence[Value], keywords: dict[str, Value]
) -> list[tuple[str, str, bool]]:
    """(keyword or '', path, whether one of a list) of every argument of a function that looks like a file."""
    known: list[tuple[str, str, bool]] = []
    for name, value in [*[("", value) for value in positional], *keywords.items()]:
        if type(value) is str:  # most often
            known.append((name, value, False))
        elif type(value) in NAMING_FILES:
            known += [(name, path, False) for path in paths_of(value)]
            for option in alternatives(value):
                for item in option[:64] if isinstance(option, list) else ():
                    known += [(name, path, True) for path in paths_of(item)]
        elif type(value) is dict and FILES.fullmatch(name):
            known += [(name, path, True) for path in listed_paths(value)[:64]]
    return [
        (name, path, listed)
        for name, path, listed in known
        if looks_like_file(path)
        and not _is_dotted(path)
        and not (" " in path and is_sentence(function, name, path))
        and not (is_label(name) or is_address(function, path))
    ]


def _labels(name: str, positional: Sequence[Value], keywords: dict[str, Value]) -> Set[str]:
    """The keywords that only name a file for those who receive it from a call."""
    if NAMES.isdisjoint(keywords):
        return LABELS
    return LABELS | (NAMES if name in LABELLING else named_for_others(name, positional, keywords))


def _is_dotted(path: str) -> bool:
    """Whether a word is rather a dotted name, such as a key or a module, than a file."""
    stem, _, suffix = path.rpartition(".")
    return (
        suffix in WEAK_EXTENSIONS | STORED_EXTENSIONS
        and "." in stem
        and "/" not in stem
        and stem.replace(".", "").isalpha()
    )


def _opened(
    name: str, positional: Sequence[Value], keywords: dict[str, Value]
) -> tuple[list[tuple[str, str, bool]], list[str]]:
    """The file-like arguments of a call that no table knows, and the words of its name; of what opens no file none."""
    arguments = file_arguments(name, positional, keywords)
    if "origin" in keywords and name == "get_file":
        return [], []  # what Keras fetches into a folder of its own
    if arguments and keywords:
        labels = _labels(name, positional, keywords)
        arguments = [argument for argument in arguments if argument[0] not in labels]
    if not arguments or is_exception(name):
        return [], []
    parts = words(name)
    if is_naming(name, parts):
        arguments = [argument for argument in arguments if SAVED.search(argument[0])]
    return arguments, parts


def is_naming(name: str, parts: Sequence[str]) -> bool:
    """Whether a function takes the name of a colour, a key, a title or a file, not a file: `load_key` takes one."""
    if is_judging(parts) and not (is_class(name) and LINKING.isdisjoint(parts)):
        return True
    return not NAMING.isdisjoint(parts) and (WRITING | READING | CONVERTING).isdisjoint(parts)


def named_method(emit: Emit, name: str, positional: Sequence[Value], keywords: dict[str, Value]) -> None:
    """Emit the file-like arguments of a method whose name says that it reads or writes, or of a keyword that does."""
    if name in NO_METHODS:
        return
    arguments, parts = _opened(name, positional, keywords)
    if not arguments:
        return
    writes = not WRITING.isdisjoint(parts) or (is_class(name) and not WRITING_CLASSES.isdisjoint(parts))
    writes = writes and not _is_reader(name, parts)
    reads = not READING.isdisjoint(parts) or is_class(name)
    draws = parts[:1] and parts[0] in DRAWING
    writes = writes or _to_file(parts)
    outputs = _outputs(arguments) if writes else NO_OUTPUTS
    given = UNREAD.isdisjoint(parts) and name not in NO_HELPERS
    first = paths_of(next(iter(positional), None))
    for index, (keyword, path, listed) in enumerate(arguments):
        target = index and index == len(arguments) - 1 and not listed and not CONVERTING.isdisjoint(parts)
        # what is drawn may stand first; where nothing does, the keyword has to say that it is given a file
        behind = draws and not listed and bool(positional) and (bool(index) or path not in first)
        drawn = (draws and not listed and keyword in DRAWN_TO) or (behind and not keyword and _is_drawn(parts, path))
        drawn = drawn or (name == "render" and not keyword and extension(path) in PICTURES)
        if outputs and keyword and keyword not in outputs:
            emit("read", path, "python.method")
        elif writes or target or drawn or OUTPUT_KEYWORD.search(keyword):
            emit("write", path, "python.method")
        elif reads or (given and _is_given(keyword)) or name in READ_BY.get(keyword, NO_READERS):
            emit("read", path, "python.method")


def written(emit: Emit, library: str, trusted: bool, positional: Sequence[Value], keywords: dict[str, Value]) -> None:
    """Emit the file that `write` is given instead of a text: by a library, not by a stream, or as its keywords say."""
    third = bool(library) and trusted and library not in STREAMS
    second = positional[1] if len(positional) == 2 else None
    formatted = isinstance(second, str) and FORMAT.fullmatch(second) is not None
    if formatted:
        positional = positional[:1]
    named = third or formatted or not FILE_KEYWORDS.isdisjoint(keywords)
    alone = library not in STREAMS and len(positional) == 1 and not keywords
    for keyword, path, _ in file_arguments("write", positional, keywords):
        data = alone and extension(path) in WRITTEN_AS_DATA
        if " " not in path and (named or data or OUTPUT_KEYWORD.search(keyword)):
            emit("write", path, "python.method")


def _is_given(keyword: str) -> bool:
    """Whether a keyword names a file that is read: `config_file`, but not `report_path`."""
    return GIVEN.fullmatch(keyword) is not None and RESULTS.isdisjoint(keyword.split("_"))


def _outputs(arguments: Sequence[tuple[str, str, bool]]) -> frozenset[str]:
    """The keywords that name what a writing call writes, so that all others name what it reads."""
    keywords = frozenset(keyword for keyword, _, _ in arguments if keyword)
    if len(keywords) < 2:
        return NO_OUTPUTS
    outputs = frozenset(filter(OUTPUT_KEYWORD.search, keywords))
    # a log is written beside the output
    return outputs if any(keyword[:3] != "log" for keyword in outputs) else (keywords & DRAWN_TO) | outputs


def is_class(name: str) -> bool:
    """Whether a name is spelt as classes are."""
    return name[:1].isupper() and not name.isupper()


def _is_reader(name: str, parts: Sequence[str]) -> bool:
    """Whether a name is that of a class whose objects read the file that they are given."""
    return is_class(name) and bool(parts) and parts[-1] in READING_CLASSES


def _to_file(parts: Sequence[str]) -> bool:
    """Whether a name such as `render_to_file` says where its result goes; `convert_to_pdf` says what becomes of it."""
    return "to" in parts[:-1] and CONVERTING.isdisjoint(parts) and parts[-1] not in RETURNED


def helper(emit: Emit, name: str, positional: Sequence[Value], keywords: dict[str, Value]) -> None:
    """Emit the file-like arguments of a function whose code is elsewhere: written where its name says so, else read."""
    if name in NO_HELPERS or name in NO_METHODS:
        return
    arguments, parts = _opened(name, positional, keywords)
    if not arguments:
        return
    is_made = bool(parts) and parts[0] == "create" and not MADE_OF.isdisjoint(parts)
    writes = bool(parts) and ((parts[0] in WRITING and not is_made) or "save" in parts or _to_file(parts))
    writes = writes or (is_class(name) and not WRITING_CLASSES.isdisjoint(parts))
    writes = writes and not _is_reader(name, parts)
    outputs = _outputs(arguments) if writes else NO_OUTPUTS
    for index, (keyword, path, listed) in enumerate(arguments):
        last = index == len(arguments) - 1 and not listed
        target = last and len(arguments) > 1 and not CONVERTING.isdisjoint(parts)
        behind = last and bool(parts) and parts[0] in DRAWING and path not in paths_of(next(iter(positional), None))
        target = target or (behind and (keyword in DRAWN_TO if keyword else _is_drawn(parts, path)))
        written = writes or target or bool(keyword and OUTPUT_KEYWORD.search(keyword))
        written = written and not (outputs and keyword and keyword not in outputs)
        if written or not _is_template(parts, path):
            emit("write" if written else "read", path, "python.helper")


def _is_drawn(parts: Sequence[str], path: str) -> bool:
    """Whether a drawing function of these words is given where its picture or page goes, not a label or template."""
    if parts[0] not in PLOTTING:
        return True
    return extension(path) in DRAWN_AS and not _is_template(parts, path)


def _is_template(parts: Sequence[str], path: str) -> bool:
    """Whether a function of these words fills in a page or text: `render(request, "home.html")`."""
    return parts[:1] == ["render"] and extension(path) in TEMPLATES and DRAWN_PAGES.isdisjoint(parts)
