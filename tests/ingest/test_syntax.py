"""Code that is the same but for its names, and what changed between a failure and its fix."""

import itertools
import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import queries
from ingest.syntax import MAX_LINES, diff, normal_hash, same_lines, similarity
from ingest.written import code_hash
from tests.ingest.conftest import Ingest

PLAIN = """import numpy as np

def load(path):
    rows = np.loadtxt(path)
    return rows.mean()

print(load('a.csv'), 1)
"""

SAME = {
    "names": PLAIN.replace("load(", "read(").replace("rows", "table"),
    "texts": PLAIN.replace("'a.csv'", '"""b.txt"""'),
    "comments": PLAIN.replace("(path):\n", "(path):  # the file\n    '''Mean of it.'''\n"),
    "name of a module": PLAIN.replace("as np", "as numerics").replace("np.", "numerics."),
    "layout": PLAIN.replace("    ", "  ").replace("\n\n", "\n").replace("(path)", "( path )"),
}
OTHER = {
    "attribute": PLAIN.replace("mean", "std"),
    "module": PLAIN.replace("numpy", "cupy"),
    "builtin": PLAIN.replace("print", "repr"),
    "number": PLAIN.replace("1)", "2)"),
    "format": PLAIN.replace("1)", "f'{1:>3}')"),
    "another format": PLAIN.replace("1)", "f'{1:<3}')"),
    "order of names": PLAIN.replace("return rows", "return path"),
    "statement": PLAIN + "print()\n",
}

TOKENS = {
    "sh": [
        "echo 'TEXT\\';",
        "echo 'one\n\nTEXT';",
        'echo "it\'s\n\n`x "$CODE"` TEXT";',
        'echo "TEXT $(f "$(g "CODE")" ")" \'"\') TEXT";'.replace("CODE", "TEXT"),
        'echo "TEXT ${CODE:-it\'s "TEXT"} TEXT";',
        "echo ${CODE#'\"'} \\\" \\';",
        'echo "$(case $a in "TEXT") CODE;; (b) f;; esac; CODE)";',
        "echo $'TEXT\\'s' a#b;",
        "# it's TEXT\n",
        "cat <<-'END' | CODE\n\tit's CODE\n\tEND\n",
        "f <<<'TEXT' $((1 << 2));",
    ],
    "js": [
        "'TEXT\\'';",
        '"TEXT\\\n\'";',
        "x = `TEXT'${f({a: `\"${CODE}\"`}, '}TEXT')}\nTEXT`;",
        "return /'CODE/.test(x);",
        'if (typeof /[/"]CODE/) {}\n/`CODE/.test(x);',
        "f(x => /'CODE/);",
        "case /\\/'CODE/: x++ / 2 / CODE;",
        "// it's TEXT\n",
        "/* it's\nTEXT */",
        "<a b={c} />;",
    ],
    "c": [
        "f(\"TEXT\\\"\", '\"', '\\'');",
        "x = 1'000'0 + CODE;",
        'f(R"x(TEXT")\n"\')x");',
        "\n#define CODE 'a' // it's TEXT\n",
        '\n#define F(x) \\\n CODE /* it\'s\nTEXT */ + "TEXT"\n',
        "/* it's TEXT */",
    ],
    "rust": [
        "fn f<'a, 'b>(x: &'static CODE) {}",
        'f("TEXT\n\\"\\\\", r"\\", br#"TEXT"\n"#);',
        "f('\"', '\\'', '\\u{1F600}', b'x');",
        "// it's TEXT\n",
        "/* it's\nTEXT */",
    ],
    "sql": [
        "f('it''s\nTEXT', \"TEXT\", 'a\\n', '\\\\');",
        "-- it's TEXT\n",
        "/* it's\nTEXT */",
        "do $a$ it's CODE $$ $a$;",
        "# it's CODE\n",
    ],
    "go": ["f(`it's\n\"TEXT`, '`', '\"', '\\'', \"`TEXT\");", "// it's `TEXT\n", "/* it's\nTEXT */"],
    "haskell": [
        "x' = foldl' f CODE;",
        "y = f '\"' '\\'' '\\DEL' \"it's \\\" \\\n  \\TEXT\";",
        "-- it's TEXT\n",
        "z = a --> CODE;",
        "{- it's\n \"TEXT -}",
    ],
    "julia": [
        "x = A' * f(CODE)' + B[1]';",
        "y = f('\"', '\\'', \"it's\nTEXT\");",
        'z = "$(f("CODE")) $CODE";\n',
        'z = "it\'s\n$CODE";\n',
        "# it's TEXT\n",
        "#= it's\n\"TEXT =#",
    ],
    "lua": ["f('TEXT\\'', [[it's\nTEXT]], [==[]]\"]==]);", "-- it's TEXT\n", "--[[ it's\nTEXT ]]", "x = a[b[CODE]];"],
    "java": ['f("TEXT\\"", \'"\', \'\\\'\', """\nTEXT"\'\n""");', "// it's TEXT\n", "/* it's\nTEXT */"],
    "kotlin": ["f(\"TEXT'\", '\"');", 'f("${g("CODE") + h("CODE")}");\n', 'f("""\n"CODE" \'\n""");'],
    "python": ['(f(\'TEXT\\\'\', """it\'s\n"TEXT\\""""));', "f(f'{CODE}\"');", "# it's TEXT\n", "f('''\"TEXT''');"],
    "ruby": ["f(\"it's TEXT\", '\"TEXT');", 'f("#{g("CODE") + h("CODE")}");\n', "# it's TEXT\n"],
}
"""Tokens of languages. What stands in place of TEXT is part of a text or comment, in place of CODE it is none."""


@pytest.mark.parametrize("change", SAME)
def test_normalised_syntax_ignores_what_only_looks_different(change: str) -> None:
    """The code's own names, texts, comments and layout don't count."""
    assert SAME[change] != PLAIN
    assert normal_hash(SAME[change], "python") == normal_hash(PLAIN, "python")


@pytest.mark.parametrize("change", OTHER)
def test_normalised_syntax_sees_what_code_does(change: str) -> None:
    """Attributes, modules, builtins, numbers, statements and which name stands where do count."""
    others = {normal_hash(code, "python") for name, code in OTHER.items() if name != change}
    assert normal_hash(OTHER[change], "python") not in {normal_hash(PLAIN, "python"), *others}


@pytest.mark.parametrize(
    "code",
    [
        "match f():\n    case [{n}, *rest]:\n        print({n}, rest)",
        "match f():\n    case [_, *{n}]:\n        print({n})",
        "match f():\n    case {{'a': 1, **{n}}}:\n        print({n})",
        "{n} = 0\ndef f():\n    global {n}\n    {n} += 1",
        "def f():\n    {n} = 0\n    def g():\n        nonlocal {n}\n        {n} += 1",
        "from json import loads as {n}\nprint({n}('1'))",
        "try:\n    f()\nexcept OSError as {n}:\n    print({n})",
    ],
)
def test_names_count_however_the_code_gives_them(code: str) -> None:
    """A name that stands for the same is the same, and one that stands for something else is not."""
    hashes = [normal_hash(code.format(n=name), "python") for name in ("one", "two")]
    assert hashes[0] == hashes[1]
    assert normal_hash(code.format(n="one").replace("one", "two", 1), "python") != hashes[0]


def test_a_module_is_another_thing_under_its_own_name() -> None:
    """`import numpy` leaves no name to the code, `import numpy as np` does."""
    assert normal_hash("import numpy as np", "python") != normal_hash("import numpy", "python")


def test_huge_numbers_are_told_apart() -> None:
    """Python gives no decimal digits of them, and code that has one is hashed all the same."""
    first, second = (normal_hash(f"x = 0x{'f' * 6000}{digit}", "python") for digit in "01")
    assert first != second


@pytest.mark.parametrize(
    ("language", "one", "same", "other"),
    [
        ("sh", "pip install 'a' # now", 'pip   install "b"\n', "pip remove 'a'"),
        ("javascript", "let a = 'x' // it", 'let a="y"/* it */', "let b = 'x'"),
        ("sql", "select 'a' -- it", 'select\n"b"', "select 1"),
        ("duckdb", "from 'a' -- it", "from 'b' /* it */", "from 1"),
        ("matlab", "y = x'; f('a') % it", "%{\nit\n%}\ny = x'; f('b')", "y = x; f('a')"),
        ("python", "print 'a' # old", "print  'b'", "exec 'a'"),
    ],
)
def test_other_languages_are_normalised_by_their_tokens(language: str, one: str, same: str, other: str) -> None:
    """Texts, comments and blanks don't count; names do. Python that does not parse is read so, too."""
    assert normal_hash(one, language) == normal_hash(same, language)
    assert normal_hash(one, language) != normal_hash(other, language)


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("sh", "sed -i s#foo#bar# a.txt && make test", "sed -i s#old#new# b.txt && rm -rf build"),
        ("sh", "cd build\nmake install", "cd build make install"),
        ("sh", "echo ${a#b} c", "echo ${a#d} e"),
        ("sh", "curl http://x#a; rm b", "curl http://x#a; rm c"),
        ("sh", "rm a *", "rm a*"),
        ("sh", 'echo \\" a; rm \\"', 'echo \\" a; ls \\"'),
        ("sh", "grep 'a\\' b; rm 'c'", "grep 'a\\' b; ls 'c'"),
        ("ruby", "a = b\n-c", "a = b -c"),
        ("javascript", "return\nx", "return x"),
        ("javascript", 'x = /"/; f(1)', 'x = /"/; f(2)'),
        ("js", "f(/[/'\"]/, 1)", "f(/[/'\"]/, 2)"),
        ("ts", "x = `a${f(1)}b`", "x = `a${f(2)}b`"),
        ("ts", "x = `${a ? `b${{c}}` : f(1)}`; g()", "x = `${a ? `b${{c}}` : f(2)}`; g()"),
        ("ts", "x = `${a ? `b${{c}}` : d}`; g()", "x = `${a ? `b${{c}}` : d}`; h()"),
        ("sh", 'git commit -m "a\n\nb" && git push origin dev', 'git commit -m "a\n\nb" && rm -rf build'),
        ("sh", 'python -c "\nprint(1)\n" | tee a.txt', 'python -c "\nprint(1)\n" | sh'),
        ("sh", 'rm "$HOME"', 'rm "$TMP"'),
        ("sh", 'rm "$A"b', 'rm "$A" b'),
        ("sh", 'rm "$(cat "$A")"', 'rm "$(cat "$B")"'),
        ("sh", "cat <<END > a\nit's\nEND\nrm 'a' b", "cat <<END > a\nit's\nEND\nrm 'a' c"),
        ("sh", "cat <<END\na:\n  b\nEND", "cat <<END\na:\nb\nEND"),
        ("js", "return /'/.test(x) ? a() : b()", "return /'/.test(x) ? c() : d()"),
        ("js", "x = 1\n/'/.test(x) ? a() : b()", "x = 1\n/'/.test(x) ? c() : d()"),
        ("rust", "fn f(x: &'static str) { delete(x) }", "fn f(x: &'static str) { print(x) }"),
        ("c", "#define A\nint x;", "#define A int x;"),
        ("c++", "x = 1'000; f(a);", "x = 1'000; f(b);"),
        ("sql", "select 'a\nb', c, 'd'", "select 'a\nb', e, 'd'"),
        ("go", "f(`'`); a('x')", "f(`'`); b('x')"),
        ("haskell", "foldl' (+) 0 x'", "foldl' (*) 1 x'"),
        ("julia", "A' * b'", "A' * c'"),
        ("css", "a { b: url(http://x); c: d }", "a { b: url(http://x); c: e }"),
    ],
)
def test_other_programs_are_told_apart(language: str, one: str, other: str) -> None:
    """`#` within a word is no comment, an end of line may end a statement, quotes in patterns are no texts."""
    assert normal_hash(one, language) != normal_hash(other, language)


@pytest.mark.parametrize(
    ("language", "one", "same"),
    [
        ("sh", "cd a\n\n  make  all # it\r\n# so\n", "# now\ncd a\nmake all"),
        ("sh", "a|b;c && d", "a | b; c &&d # it"),
        ("sh", "pip install \\\n    a", "pip install a"),
        ("js", "x = `it's`;\nf(1)", "x = 'so'; f(1)"),
        ("js", "x = `a\nb ${f(1)} c`", "x = `d${ f(1) }`"),
        ("js", "f(\n  a,\n  b\n)\n  .then(c)", "f(a, b).then(c)"),
        ("js", "x = a / b / c // it", "x = a/b/c"),
        ("c", "int a;\nint b;", "int a; int b;"),
        ("c", "#define A \\\n  1 // it\nint a;\n", "\n #define A 1\nint a;"),
        ("sh", 'rm "a $B\nc"', 'rm "$B"'),
        ("sh", 'echo "a\nb"', "echo 'c'"),
        ("js", "return  /a/.test( x )", "return /a/.test(x)"),
        ("sql", "f('it''s')", "f('a')"),
    ],
)
def test_layout_of_other_languages_does_not_count(language: str, one: str, same: str) -> None:
    """Nor do texts in templates, comments, blank lines and ends of lines within a statement."""
    assert normal_hash(one, language) == normal_hash(same, language)


@pytest.mark.few
@pytest.mark.parametrize("language", TOKENS)
@given(st.data())
def test_code_behind_texts_and_comments_counts(language: str, data: st.DataObject) -> None:
    """And within them, where there is code; other texts and comments don't count, whatever tokens are around."""
    tokens = data.draw(st.lists(st.sampled_from(TOKENS[language]), min_size=1, max_size=6))
    tokens.insert(data.draw(st.integers(0, len(tokens))), "CODE;" if language != "python" else "(CODE;")
    code = data.draw(st.sampled_from([" ", "\n"])).join(tokens)
    at = data.draw(st.sampled_from([at for at in range(len(code)) if code.startswith("CODE", at)]))

    def hashed(text: str, name: str) -> str:
        changed = f"{code[:at]}{name}{code[at + len('CODE') :]}"
        return normal_hash(changed.replace("CODE", "code").replace("TEXT", text), language)

    assert hashed("some text", "one") == hashed("another", "one")
    assert hashed("some text", "one") != hashed("some text", "two")


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("sh", "echo 'a\nCODE\n# b"),
        ("sh", 'echo "a $(CODE "b" \n'),
        ("sh", "cat <<END\nCODE\n"),
        ("js", "x = `a\nCODE ${`b`} c"),
        ("js", "/* a\nCODE"),
        ("js", "return <p>Don't {CODE}</p>\nf('CODE')"),
        ("c", 'f("a\nb") + f(\'c\'); f("CODE")'),
        ("sql", "f('a\\'); CODE; f('b')"),
        ("lua", "--[[ a\nCODE"),
        ("matlab", "%{ a\nCODE"),
        ("ruby", 'x = "one\ntwo" + f("CODE")'),
        ("python", '(f("""a\nCODE'),
    ],
)
def test_what_opens_and_never_closes_is_kept(language: str, code: str) -> None:
    """Also what may be a text over lines, or a backslash before a quote, where that is uncertain."""
    assert normal_hash(code, language) != normal_hash(code.replace("CODE", "other"), language)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("\n  \nx = 1  \r\ny = 2\n\n", "x = 1\ny = 2", True),
        ("    x = 1\nprint(x)", "x = 1\nprint(x)", False),
        ("s = 'a\u2028b'", "s = 'a\nb'", False),
        ("x\x0cy", "x\ny", False),
    ],
)
def test_code_is_hashed_letter_by_letter(one: str, other: str, same: bool) -> None:
    """But for white space at line ends and blank lines around it: the first indent counts as others do."""
    assert (code_hash(one) == code_hash(other)) is same


UNITS = [
    '"',
    '"\\',
    "'",
    "`",
    "/*",
    "(",
    "x=",
    "[",
    "=/[",
    "=  ",
    "`${",
    "${`",
    "\ud800",
    "#",
    "--",
    " ",
    "if x:\n",
    "\0",
]


@pytest.mark.parametrize(
    ("language", "unit"),
    [
        *itertools.product(["python", "sh", "js", "sql"], UNITS),
        *itertools.product(["sh"], ["$(", '"$(', '"`', "${", '"${a', "<<a\n", "case a in ", "\\\n"]),
        *itertools.product(["c", "rust", "ruby"], ['"', "'", '"\\\n\\', "\n#", 'R"(', 'r#"', '"#{', "\\("]),
        *[
            ("matlab", "%{\n"),
            ("js", "/"),
            ("sql", "$a$"),
            ("sql", "''"),
            ("lua", "[=["),
            ("python", '"""\\'),
            ("python", 'f"'),
        ],
    ],
)
@pytest.mark.slow
def test_a_megabyte_of_hostile_code_is_hashed(language: str, unit: str) -> None:
    """Code that opens and never closes goes through, which a step of quadratic time would not let it."""
    assert len(normal_hash(unit * (1_000_000 // len(unit)), language)) == 16


@pytest.mark.skipif(shutil.which("patch") is None, reason="no `patch` on this machine")
def test_a_diff_turns_the_one_into_the_other(tmp_path: Path) -> None:
    """`patch` makes the code that worked out of the one that failed; too much code has no diff."""
    before, after = PLAIN, PLAIN.replace("mean", "std") + "print()\n"
    changed = diff(before, after)
    assert changed is not None
    (tmp_path / "code.py").write_text(before, encoding="utf-8")
    header = "--- code.py\n+++ code.py\n"
    subprocess.run(["patch", "-s", "code.py"], input=header + changed + "\n", text=True, cwd=tmp_path, check=True)
    assert (tmp_path / "code.py").read_text(encoding="utf-8") == after
    assert diff(before, before) == ""
    assert diff(before, "x\n" * (MAX_LINES + 1)) is None


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("rate = 1 / 0\n", 1.0),
        ("rate = 1 / 2\n", 0.67),  # rate and 1, of rate, 1, 0 and rate, 1, 2
        ("import math\nrate = 1 / 2\n", 0.5),  # what comes in does not count as shared
        ("print('done')\n", 0.0),
        ("", 0.0),
        ("x\n" * (MAX_LINES + 1), None),
    ],
)
def test_code_is_as_alike_as_the_words_it_shares(after: str, expected: float | None) -> None:
    """A repair within the only line leaves code alike; more code than is compared has no similarity."""
    assert similarity("rate = 1 / 0\n", after) == expected


def test_words_that_stand_elsewhere_are_not_shared() -> None:
    """Lines that one diff has in place of each other are compared, not whatever else the code has."""
    assert similarity("first = 1\nkeep(2)\n", "keep(2)\nfirst = 1\n") == 0.5


@given(*[st.lists(st.sampled_from("abc "), max_size=70)] * 2)
def test_lines_in_common_are_as_many_as_there_are(old: list[str], new: list[str]) -> None:
    """By a number for each row as by the whole table of longest common subsequences."""
    table = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i, line in enumerate(old):
        for j, other in enumerate(new):
            table[i + 1][j + 1] = table[i][j] + 1 if line == other else max(table[i][j + 1], table[i + 1][j])
    pairs = same_lines(old, new)
    assert len(pairs) == table[-1][-1]
    assert all(old[i] == new[j] for i, j in pairs)
    assert all(i < k and j < n for (i, j), (k, n) in itertools.pairwise(pairs))


def test_long_code_is_as_alike_as_short_code() -> None:
    """Lines that come again and again count in 400 lines as they do in 100."""
    draw = random.Random(1)
    shares = []
    for lines in (100, 199, 200, MAX_LINES):
        codes = ["\n".join(draw.choices(["a = 1", "b = 2"], k=lines)) for _ in range(2)]
        shares.append(similarity(*codes) or 0)
    assert max(shares) - min(shares) < 0.1


def test_tables_say_what_fixed_a_failure_and_what_recurs(runs: Path, ingested: Ingest) -> None:
    """From transcripts to `failures_and_fixes` and `recurring_code`: the first failure against the first success."""
    first, second, third = (f"import csv\nvalue = {n}\nprint(valeu)" for n in (1, 2, 3))
    fixed, again = "import csv\nvalue = 3\nprint(value)", "import csv\nnumber = 3\nprint(number)  # same"
    said = [(first, 1), (second, 1), (third, 1), (fixed, 0), (again, 0)]
    history = [{"name": "user", "role": "user", "content": "Do it."}]
    for code, exit_code in said:
        state = "execution failed" if exit_code else "execution succeeded"
        history.append({"name": "engineer", "role": "user", "content": f"```python\n{code}\n```"})
        output = f"exitcode: {exit_code} ({state})\nCode output: x"
        history.append({"name": "terminal", "role": "user", "content": output})
    (runs / "chat.json").write_text(json.dumps(history), encoding="utf-8")
    con = queries.connect(ingested(runs).out)
    relation = queries.run("failures_and_fixes", con)
    (row,) = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
    assert row["tries"] == 3
    assert row["changed"] == diff(first, fixed)
    relation = queries.run("recurring_code", con, by="syntax")
    (row,) = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
    assert (row["executions"], row["variants"], row["failed"]) == (2, 2, 0)
    assert queries.run("recurring_code", con).fetchall() == []
