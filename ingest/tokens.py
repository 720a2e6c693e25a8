"""Texts and comments in code of many languages, by tables of tokens.

Where a table does not know better, it keeps the code as it is: a wrong guess may tell programs apart that are the same,
but must not make two the same. So what opens and never closes is kept, and so is what may be a text with code in it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

SHELLS = frozenset({"sh", "bash", "shell", "zsh", "console", "terminal"})
SCRIPTS = frozenset({"javascript", "js", "jsx", "typescript", "ts", "tsx"})
"""JavaScript and its kin, with template strings."""

_INSTEAD = {"text": "''", "comment": " "}
_SOLID = str.maketrans(" \t\n", "\0\1\2")
"""For blanks and ends of lines that are no layout."""


@dataclass(slots=True)
class _State:
    """What may stand in code, or in a text with code in it, of which nothing but this code is kept."""

    tokens: re.Pattern[str]
    """Its groups are kinds of tokens: `_INSTEAD`, `mark`, `joint` (left out); others are kept letter by letter."""
    opens: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The marks that begin another state, with its name and the mark that ends it."""
    is_text: bool = False


@dataclass(slots=True)
class _Open:
    """A state that has begun: what ends it, how many more such ends are before that, where it began."""

    state: _State
    end: str = ""
    place: int = 0
    parts: int = 0
    nested: int = 0


def without_texts(code: str, language: str) -> str:
    """Code without comments, whose texts are all alike. In linear time, and without recursion.

    What is kept letter by letter has no blanks or ends of lines any more, but characters in place of them.
    """
    parts: list[str] = []
    open_states: list[_Open] = []
    last = 0
    for kind, start, end, begun in _read(code, language, open_states):
        top, token = open_states[-1], code[start:end]
        if not top.state.is_text:
            parts.append(code[last:start])
        last = end
        if kind == "joint":
            continue
        if kind != "mark":
            parts.append(_INSTEAD.get(kind) or token.translate(_SOLID))
        elif token == top.end:
            if not top.state.is_text or len(parts) > top.parts + 1:
                parts.append(token.translate(_SOLID))
        elif begun is not None:
            begun.parts = len(parts)
            parts.append("''" if begun.state.is_text else token)
        else:
            parts.append(token)
    endless = next((opened for opened in open_states if opened.state.is_text), None)
    if endless is None:
        return "".join(parts) + code[last:]
    return "".join(parts[: endless.parts]) + code[endless.place :].translate(_SOLID)


def without_comments(code: str, language: str) -> str:
    """Code with a blank in place of each comment, all else as it is. In linear time, and without recursion."""
    parts: list[str] = []
    last = 0
    for kind, start, end, _ in _read(code, language, []):
        if kind == "comment":
            parts += code[last:start], " "
            last = end
    return "".join(parts) + code[last:]


def _read(code: str, language: str, open_states: list[_Open]) -> Iterator[tuple[str, int, int, _Open | None]]:
    """The tokens of code that its table knows.

    Args:
        code: the code.
        language: its language.
        open_states: receives the states that are open, the innermost last: at each token those before it.

    Yields:
        (kind of a token, where it begins, where it ends, the state that it begins).
    """
    states = _LANGUAGES.get(language, _OTHER)
    open_states.append(_Open(states["code"]))
    place = 0
    while match := (top := open_states[-1]).state.tokens.search(code, place):
        kind, begun = match.lastgroup or "", None
        start, place = match.span(kind)
        ends = kind == "mark" and match[kind] == top.end
        if kind == "mark" and not ends and (opens := top.state.opens.get(match[kind])) is not None:
            begun = _Open(states[opens[0]], opens[1], start)
        yield kind, start, place, begun
        if begun is not None and begun.state is top.state and begun.end == top.end:
            top.nested += 1
        elif begun is not None:
            open_states.append(begun)
        elif ends and top.nested:
            top.nested -= 1
        elif ends:
            open_states.pop()


_REST = r"(?:[^\\\n]|\\[\s\S])*"
"""The rest of a line, and of the next one where a backslash joins them."""


def _any(*patterns: str) -> str:
    return "|".join(patterns)


def _tokens(*patterns: str, **kinds: str) -> re.Pattern[str]:
    """Patterns with groups of their own, then those of a group each. What stands first goes first."""
    return re.compile(_any(*patterns, *(f"(?P<{kind}>{pattern})" for kind, pattern in kinds.items())), re.MULTILINE)


def _quoted(quote: str, without: str = r"\n") -> str:
    """A text in which a backslash is for the next character. Three quotes are left to others."""
    other = rf"[^{quote}\\{without}]*"
    return rf"(?!{quote}{{3}}){quote}{other}(?:\\[\s\S]{other})*{quote}"


def _stray(quote: str) -> str:
    """A quote and the rest of its line: an apostrophe in prose, or the begin or end of a text over lines."""
    return quote + _REST


def _expanded(without: str = r"\n") -> str:
    """A text with `$a` in it; one with `${a}`, `$(a)`, `#{a}` or `\\(a)`, in which quotes may nest, to the end of a
    line."""
    other = rf'[^"\\$#{without}]*'
    begin = rf'"{other}(?:(?:\\[^(]|\$(?![{{(])|\#(?!\{{)){other})*'
    nested = rf"(?={begin}(?:\$[{{(]|\#\{{|\\\()){begin}{_REST}"
    return _any(nested, rf"(?={begin}\$\w)" + _quoted('"', without))


def _long(quote: str) -> str:
    return rf"{quote}{{3}}[^{quote}\\]*(?:(?:\\[\s\S]|{quote}(?!{quote}{quote}))[^{quote}\\]*)*{quote}{{3}}"


# Python's own `re`, ten times as fast as RE2 on many small matches. Where a pattern can fail after many characters,
# another one takes them all (`stray`), so nothing is looked at more than a few times.
_BOTH, _BOTH_STRAY = _any(_quoted('"'), _quoted("'")), _any(_stray('"'), _stray("'"))
_QUOTE, _QUOTE_STRAY = _quoted('"'), _stray('"')
_LONG, _LONG_STRAY = _long('"'), r'"{3}[\s\S]*'
_BLOCK, _BLOCK_STRAY = r"/\*[\s\S]*?\*/", r"/\*[\s\S]*"
_SLASHES = _any(r"//[^\n]*", _BLOCK)
# what stands before `#` where it begins a comment: in `a#b`, `$#` and `${a#b}` it begins none
_HASH = r"(?<![^\s;&|(])\#[^\n]*"
_CHARACTER = r"'(?:[^'\\\n]|\\[^\n][^'\n]{0,8})'"
"""Other quotes are none: those of lifetimes in Rust, of symbols in Scala."""
_NOT_BEHIND_NAME = r"(?<![\w)\]}'.])"
"""Where a quote is neither part of a name (`foldl'` in Haskell) nor an operator (`A'` in Julia)."""


def _plain(text: str, comment: str, stray: str, kept: str = r"(?!)") -> dict[str, _State]:
    """A language in whose texts no code is looked for."""
    return {"code": _State(_tokens(kept=kept, text=text, comment=comment, stray=stray))}


def _c() -> dict[str, _State]:
    """C and its kin: the end of a preprocessor's line counts, and quotes separate digits."""
    kinds = {
        "kept": _any(r"(?<![\w.])\d(?:'?\w)*", r"\$@?" + _QUOTE_STRAY),
        "text": _any(
            r'(?<!\w)(?:u8|[uUL])?R"(?P<raw>[^()\s\\"]{0,16})\([\s\S]*?\)(?P=raw)"',
            r'@"[^"]*(?:""[^"]*)*"',
            _LONG,
            _BOTH,
        ),
        "comment": _SLASHES,
        "stray": _any(
            r'(?<!\w)(?:u8|[uUL])?R"[^()\s\\"]{0,16}\([\s\S]*', r'@"[\s\S]*', _LONG_STRAY, _BLOCK_STRAY, _BOTH_STRAY
        ),
    }
    return {
        "code": _State(_tokens(r"^[ \t]*(?P<mark>\#)", **kinds), {"#": ("line", "\n")}),
        "line": _State(_tokens(joint=r"\\\n", mark=r"\n", **kinds)),
    }


def _script() -> dict[str, _State]:
    """JavaScript: code in templates; regular expressions, where no division can stand or hardly one would."""
    words = _any(*"return typeof case in of delete void throw new else do instanceof await yield".split())
    after = _any(
        r"(?:(?<=[(,=:\[!&|?;{~^%*])|(?<==>)|(?<=[^+]\+)|(?<=[^-]-)|(?<![\w$.])(?:" + words + r"))\s*",
        r"(?:(?<=\})\s*|^[ \t]*)(?=/[^\s>])",  # `/>` ends a tag
    )
    expression = r"/(?![/*])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\]?)*/?"
    stray = _any(_BLOCK_STRAY, _BOTH_STRAY)
    return {
        "code": _State(
            _tokens(f"(?:{after})(?P<kept>{expression})", text=_BOTH, comment=_SLASHES, mark=r"[`{}]", stray=stray),
            {"`": ("template", "`"), "{": ("code", "}")},
        ),
        "template": _State(_tokens(joint=r"\\[\s\S]", mark=r"`|\$\{"), {"${": ("code", "}")}, is_text=True),
    }


def _shell() -> dict[str, _State]:
    """Shells: code in texts, and texts in that. Here-documents are kept."""
    text = _any(r"'[^']*'", r"\$'[^'\\]*(?:\\[\s\S][^'\\]*)*'")
    # in arithmetic (`$((1 << x))`) it is none
    word = r"<<-?(?:[ \t]*[\"'\\])?(?P<word>[A-Za-z_][\w.-]*)(?![^\n]*\)\))"
    here = rf"(?<!<){word}[^\n]*(?P<here>[\s\S]*?(?:\n\t*(?P=word)(?=\n|\Z)|\Z))"
    # the brackets of `case a in b)` have no other half
    case = r"(?<![\w.$-])case(?=\s+[^\s;]{1,200}\s+in\s)"
    variable = r"\$(?:[A-Za-z_]\w*|[\d@*#?$!-])"
    code = {"$(": ("code", ")"), "`": ("code", "`")}
    return {
        "code": _State(
            _tokens(
                here,
                text=text,
                joint=r"\\\n",
                # outside of texts a backslash is for the next character
                kept=r"\\[^\n]\#*",
                comment=_HASH,
                mark=rf'["`)}}]|\$?\(|\$\{{|{case}|\besac\b',
                stray=r"\$?'[\s\S]*",
            ),
            {**code, "(": code["$("], "case": ("code", "esac"), '"': ("text", '"'), "${": ("value", "}")},
        ),
        "text": _State(
            _tokens(joint=r"\\[\s\S]", kept=variable, mark=r'["`]|\$\(|\$\{'),
            {**code, "${": ("value in text", "}")},
            is_text=True,
        ),
        "value": _State(
            _tokens(text=text, kept=r"\\[\s\S]", mark=r'["`}]|\$\(|\$\{', stray=r"\$?'[\s\S]*"),
            {**code, '"': ("text", '"'), "${": ("value", "}")},
        ),
        "value in text": _State(
            _tokens(kept=r"\\[\s\S]", mark=r'["`}]|\$\(|\$\{'),
            {**code, '"': ("text", '"'), "${": ("value in text", "}")},
        ),
    }


def _sql() -> dict[str, _State]:
    """SQL: some dialects take a backslash before a quote for an escape, so what is behind one is kept."""
    text = r"'[^'\\]*(?:(?:''|\\[^'])[^'\\]*)*'"
    return _plain(
        _any(text, text.replace("'", '"')),
        _any(r"--[^\n]*", r"/\*(?!!)[\s\S]*?\*/"),
        _any(r"['\"][\s\S]*", r"\$(?:[A-Za-z_]\w*)?\$[\s\S]*", _BLOCK_STRAY),
        _any(r"\$(?P<tag>(?:[A-Za-z_]\w*)?)\$[\s\S]*?\$(?P=tag)\$", r"(?<!\S)\#(?!\w)[^\n]*"),
    )


def _lua() -> dict[str, _State]:
    """Lua: `[[` opens a text, or behind `--` a comment."""
    return _plain(
        _any(r"\[(?P<level>=*)\[[\s\S]*?\](?P=level)\]", _BOTH),
        _any(r"--\[(?P<depth>=*)\[[\s\S]*?\](?P=depth)\]", r"--(?!\[=*\[)[^\n]*"),
        _any(r"(?:--)?\[=*\[[\s\S]*", _BOTH_STRAY),
    )


def _haskell() -> dict[str, _State]:
    """Haskell: `-->` and `|--` are operators."""
    sign = r"[!\#$%&*+./<=>?@\\^|~:-]"
    return _plain(
        _any(_NOT_BEHIND_NAME + _CHARACTER, _QUOTE),
        _any(rf"(?<!{sign})--+(?!{sign})[^\n]*", r"\{-[\s\S]*?-\}"),
        _any(r"\{-[\s\S]*", _QUOTE_STRAY),
    )


def _matlab() -> dict[str, _State]:
    """MATLAB: a quote behind a name transposes."""
    text = _any(_QUOTE, _NOT_BEHIND_NAME + r"'(?:[^'\n]|'')*'")
    comment = _any(r"%\{[\s\S]*?%\}", r"%(?!\{)[^\n]*")
    return _plain(text, comment, _any(r"%\{[\s\S]*", _QUOTE_STRAY))


def _python() -> dict[str, _State]:
    """Python that does not parse. Texts with expressions in them are kept."""
    text = _any(_LONG, _long("'"), _BOTH)
    return _plain(text, _HASH, _any(_LONG_STRAY, r"'{3}[\s\S]*", _BOTH_STRAY), rf"(?<!\w)[rR]?[fF][rR]?(?:{text})")


_C, _SCRIPT, _SHELL = _c(), _script(), _shell()
_EXPANDING = _plain(
    _any(_QUOTE, _CHARACTER), _SLASHES, _any(_LONG_STRAY, _BLOCK_STRAY, _QUOTE_STRAY), _any(_LONG, _expanded())
)
# unknown ones have comments behind `#`
_OTHER = _plain(_BOTH, _HASH, _BOTH_STRAY, _any(_expanded(), r"(?<=\w)" + _stray("'")))
_LANGUAGES = {
    **dict.fromkeys(("c", "cpp", "c++", "csharp", "cs"), _C),
    **dict.fromkeys(SCRIPTS, _SCRIPT),
    **dict.fromkeys(SHELLS, _SHELL),
    **dict.fromkeys(("kotlin", "scala", "swift"), _EXPANDING),
    "css": _plain(_BOTH, _BLOCK, _any(_BLOCK_STRAY, _BOTH_STRAY)),
    "go": _plain(_any("`[^`]*`", _QUOTE, _CHARACTER), _SLASHES, _any(r"`[\s\S]*", _BLOCK_STRAY, _QUOTE_STRAY)),
    "haskell": _haskell(),
    "java": _plain(_any(_LONG, _QUOTE, _CHARACTER), _SLASHES, _any(_LONG_STRAY, _BLOCK_STRAY, _QUOTE_STRAY)),
    "julia": _plain(
        _any(_quoted('"', ""), _NOT_BEHIND_NAME + _CHARACTER),
        _any(r"\#=[\s\S]*?=\#", r"\#(?!=)[^\n]*"),
        _any(r"\#=[\s\S]*", _LONG_STRAY, r'"[\s\S]*'),
        _any(_LONG, _expanded("")),
    ),
    "lua": _lua(),
    "php": _plain(_BOTH, _any(_SLASHES, r"\#(?!\[)[^\n]*"), _any(_BLOCK_STRAY, _BOTH_STRAY), _expanded()),
    "python": _python(),
    "rust": _plain(
        _any(r'(?<!\w)b?r(?P<raw>\#*)"[\s\S]*?"(?P=raw)', _quoted('"', ""), _CHARACTER),
        _SLASHES,
        _any(r'(?<!\w)b?r\#*"[\s\S]*', _BLOCK_STRAY, r'"[\s\S]*'),
    ),
    **dict.fromkeys(("matlab", "octave"), _matlab()),
    **dict.fromkeys(("sql", "duckdb"), _sql()),
}
