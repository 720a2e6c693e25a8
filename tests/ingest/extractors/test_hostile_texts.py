"""Text made to be slow or to crash a reader: bounded work, and never an exception."""

# ruff: noqa: E501

from __future__ import annotations

import resource
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.extractors import code_blocks, extract_code, extract_error, extract_text

SIZE = 1_000_000
UNITS = [
    *("open(", 'open("', 'open("a.txt","w")', "f(a,", "f(g(", "a(b)(c)", "(", "[", "{", "lambda:", "not ", "-", "a**", "1+"),
    *("a if b else ", "x.y", "x=1\n", "x=[x,x]\n", "x+=x\n", 'x=f"{x}{x}"\n', "x=x*2\n", "if a:\n x=1\n", "def f():\n", "!ls\n"),
    *("import a\n", "import a,", "from a import b\n", "try:\n x\nfinally:\n ", "%%writefile a\n", ">>> ", "@a\n"),
    *("```", "```\n", "\n```", "```python\n", "```py\nx\n```\n", "``` ", "`", '"', "'", "\\", "\\_", " ", "\t", "\r", "\r\n"),
    *("a.csv ", "a.csv", "saved to ", "saved to a.b", "file ", ".", "/", "a/", "/a,", "a.b.", "http://a.b/c.csv ", "://", "[x]("),
    *('File "', "Traceback (most recent call last)\n", "Error: ", "ValueError: x\n", "a: ", "é.csv ", "\ud800", "\0"),
    *("\\" * 250 + "a.csv ", ".\\a\\b.csv ", "a Makefile ", "'a b c.csv' ", "-rw-r--r-- 1 a b 1 May 1 10:00 c d.csv\n", "a.csv 1 year "),
    *("\u4fdd\u5b58\u5230a.csv", "\u4fdd\u5b58\u5230", "\u5df2\u4fdd\u5b58\u548c1.csv", "\u7ed3.csv\u548c", "C:\\a b\\c.csv ", "C:\\a b", "*a.txt* "),
    *("├── LICENSE\n", ".env ", "~/a.org ", "a.org ", "a.c:1:2: error ", "\uff0ca.csv", "open(my $f, '>', 'a')\n", "`a`", "{path: 'a.png', "),
    *("$(", "${", "$a", "<<EOF\n", "cat <<A\n", ">a ", "a=b ", "cp a b\n", "# ", "|", ";", "wget -O a ", "*"),
    *("/a=b.csv", "a=/", "for i in a b c; do cat $i\n", "for i in {1..30}; do\n", "cat $i ", "{a,b}", "wget http://a/b.c "),
    *("called A B.csv ", "[x] Destination: a b.mp4\n", "<file>a.csv", "'A (b).csv' ", "C:/a.csv ", "$(cat a) ", "<(a ", "((", "((a)", "$((a<b)) ", "[[ a < b ", "cat <<A | ", "bash -c 'a' "),
    *("curl -d @a ", "q.sql(\"from 'a.csv'\")\n", "from 'a", "read_csv(", 'os.system(f"{x} a.csv")\n', "- a.js\n"),
    *("-rw-r--r-- 1 a b 1 May 1 10:00 c\n", "-rw-r--r-- 1 ", "lrwxrwxrwx 1 a b 1 May 1 10:00 c -> ", "file is at /a/b ", "file named 'a", "/etc/hosts ", "`a/b.in`", "`a/"),
    *("- Q3 a.xlsx\n", "- Q3 ", "**Q3 a.xlsx", "GET /a.js ", "attachment; filename=a.csv ", "foo -o a.b ", "tar fvx a\n", "pytest a.py::b "),
    *("p.add_argument('--a', default='b.csv')\n", "x = os.O_CREAT | os.O_RDWR\n", "x = x | x\n", '@save "a.jld2" ', "a=(", "a=(b ", "a=(b)\n", "`cat a.txt` ", "$(a `b ", "python a.py b.csv ", "a\\t", "data\\n", "a\\\\n.csv ", "results\\table.csv ", "(A B 1.pdf) ", "the file A B.pdf ", "Name: A B.pdf\n", "Saving to: '", "'a.b' saved [", "gcc a.c ", "~/.ssh/config ", "Makefile\na.md\n", "<a>/b.md ", "a.b:80/c.md ", "a.b.html ", "A 2024-01-01 at 1.png ", "Permission denied: 'a.b' ", "'Saved to a.b' ", "'Created a", "\\input{a.b} ", "\\input[a", "LICENSE  a.md  ", "LICENSE  ", "OAI_CONFIG_LIST ", "directory: '", "a.model ", "(abcdef.c) ", "drwxr-xr-x 1 a.bak "),
    *("a&b.csv ", "a&", "a#1", "a#1.csv", "/a B/", "./A B/C.csv ", "/A B C.csv ", "a (b).csv ", "saved a (1).csv ", "(a).csv", "`a (b).csv` ", "a.data ", "UCI a.data a.names ", "a.py.It ", "url: /a.csv ", "/api/a.csv ", "org.a.csv ", "the folder /a.d ", "“报告 最终.csv” ", "jquery.js "),
    *("from a import *\n", "c.execute('select 1')\n", "x.execute(", "write.csv(f(a), ", "write.csv(f(", "ImageIO.write(a, new File(", "Path.of('a'), Path.of("),
    *("ifstream a, b;\n", "a.open('b')\n", "npx -y ", "docker cp a ", "x >& ", "pytest --junitxml=a.xml ", "python -m pytest ", "mogrify a.jpg "),
    *("sqlite3 a.db ';' ", "sqlite3 a.db <<A\n.import b.csv c\nA\n", "sqlite3 a.db '", "psql -c ", "ffmpeg -vf subtitles=", "ffmpeg -vf ',ass='", "a@b:", "hf download a b.c --local-dir "),
    *("x = {f(1): 'a.csv', **x}\n", "x[f(1)] = x\n", "a, *b = b\n", "x = f.partial(x, 1)\n", "In [1]: import a\n", "Out[1]: ", "x = x.value\n", "a = 'b'; a <- paste0(a, a)\n", "paste0(a, ", "vim +"),
    *("x.read.a().csv('b.csv')\n", "x.write.", "f('a b.csv', ", "f(a_id='b.c', ", "read_a_b_", "pytest.main(['a.py'])\n"),
    *("/" + "\u4e2da" * 120 + "/a.csv ", "\u4e2d/a", "\\u4e2d", "\\u4e2d.csv ", "\\/", "a:\\n/", "a:\\n/b.csv ", "a.ts(1,2): error ", "a.ts(1,", "(\u2026)a.csv "),
    *("<DIR>\n", "<DIR> 1/1/2025  1:00  1 a b.csv\n", "\n<DIR> 1/1/2025  1:00  1 ", "a.csv/b.csv ", "a.csv/", "go.mod ", "\\texttt{a\\_b.csv} ", "\\texttt{"),
]  # fmt: skip
LANGUAGES = ("python", "bash", "javascript", "powershell", "dockerfile", "makefile", "sql", "")


def read_everything(text: str) -> None:
    """Every public function once."""
    code_blocks(text)
    extract_text(text)
    extract_error(text)
    for language in LANGUAGES:
        extract_code(text, language)


@pytest.mark.few
@pytest.mark.parametrize("unit", UNITS)
def test_repeated_unit_is_read_without_error(unit: str) -> None:
    """2 kB of any unit repeated goes through every function."""
    read_everything((unit * 2000)[:2000])


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS)
def test_megabyte_of_a_unit_is_read(unit: str) -> None:
    """A megabyte of any unit repeated goes through every function, which a step of quadratic time would not let it."""
    read_everything((unit * SIZE)[:SIZE])


@pytest.mark.parametrize(
    "code",
    [
        "open('{:>999999999}'.format('a'))",
        "open('%999999999s' % 'a')",
        "open(f'{1:>999999999}')",
        "open('a' * 10**9)",
        "open('a'.zfill(10**9))",
        "x = 'a'\n" + "x = x + x\n" * 200 + "open(x)",
        "c.execute('''" + " " * 200_000 + "''')",
        "c.execute('''" + "(\t" * 100_000 + "''')",
        "c.execute('''" + "--\n " * 60_000 + "''')",
        "c.execute('''with update" + " " * 200_000 + "''')",
        "x = 'ab'\n" + "x = x.replace('a', x)\n" * 60 + "open(x)",
        "x = ['a']\n" + "x = x + x\n" * 200 + "[open(y) for y in x]",
        "x = 9\n" + "x = x * x\n" * 500 + "open(f'{x}')",
        "x = " + "9" * 6000 + "\nopen(str(x))",
        "".join(f"{'  ' * n}for a{n} in range(60):\n" for n in range(15)) + "  " * 15 + "open('a.txt')",
        "[a " + " ".join(f"for a{n} in range(60)" for n in range(50)) + "]",
        "".join(f"def f{n}(p):\n f{n + 1}(p)\n f{n + 1}(p)\n" for n in range(500)) + "f0('a.txt')",
        "\n".join(f"x{n} = 'a{n}' if c else 'b{n}'" for n in range(100)) + f"\nopen({'+'.join(f'x{n}' for n in range(100))})",
        "x = []\nx.append(x)\nopen(x)\ny = x + x\nif c:\n  x = y\nfor z in x: open(z)",
        "class A:\n def __init__(self): self.a = A()\nA()",
        "class A0: pass\nclass B0: pass\n" + "".join(f"class A{n + 1}(A{n}, B{n}): pass\nclass B{n + 1}(B{n}, A{n}): pass\n" for n in range(99)) + "open(A99().p)",
        "def f(): return f()\nopen(f())",
    ],
)  # fmt: skip
def test_program_that_would_grow_is_bounded(code: str) -> None:
    """Values that double, widths of a billion and loops in loops cost neither memory nor time."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    facts = extract_code(code, "python")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000
    assert all(len(hit.path) < 2000 for hit in (*facts.writes, *facts.reads))


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit", ["1+", "1**", "-", "not ", "x.", "x or ", "x if y else ", "lambda: ", "await ", "x = "]
)
def test_deep_tree_does_not_overflow_the_stack(unit: str) -> None:
    """Code whose syntax tree is as deep as the text is long is read by patterns, and does not end the process."""
    read_everything(unit * 100_000 + "x")
    read_everything("```\n" + unit * 15_000 + "x\n```")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(UNITS), st.text(max_size=4)), max_size=20).map("".join))
def test_any_text_is_read(text: str) -> None:
    """No text makes a function raise."""
    read_everything(text)


RECORD = """
import resource, sys
from ingest.extractors import code_blocks, extract_code, extract_error, extract_text
unit = sys.argv[1].replace(r"\\n", "\\n")
text = (unit * (64_000_000 // len(unit) + 1))[:64_000_000]
code_blocks(text), extract_text(text), extract_error(text)
for language in ("python", "bash", "powershell", "sql", "r", ""):
    extract_code(text, language)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    [
        *("saved to a.txt ", "a.csv,", "'a Makefile' ", "a.b.", "\\a.csv ", "File:a.csv ", "a.csv 1 year ago "),
        *(r"```\nx = 1\n```\n", r"```\n", "`", r"ab\n", "([{", "open(", r"cat <<A > a.txt\nx\nA\n", "> a.txt ", "\u00e9.csv "),
    ],
)  # fmt: skip
def test_longest_record_is_read_within_bounds(unit: str) -> None:
    """64 MB of one hostile text go through every function: neither does that hang, nor does it take a gigabyte."""
    run = subprocess.run([sys.executable, "-c", RECORD, unit], capture_output=True, text=True, timeout=120, check=True)
    assert int(run.stdout) < 1_000_000
