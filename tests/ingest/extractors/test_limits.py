"""What stands behind a limit is not found, what stands before it is: no single text holds an ingest up."""

from __future__ import annotations

from ingest.extractors import code_blocks, extract_text
from ingest.extractors.blocks import FENCES, INFERRED, PARSE_LIMIT
from ingest.extractors.prose import DOTS, NAMES


def paths(text: str) -> list[str]:
    """The paths that a text names."""
    return [hit.path for hit in extract_text(text)]


def test_names_up_to_the_limit_are_found() -> None:
    """Of a text with more names than are looked at, the first ones are found, in order."""
    names = [f"f{number}.csv" for number in range(NAMES + 10)]
    assert paths(" ".join(names)) == names[:NAMES]


def test_repeated_name_counts() -> None:
    """A name that is said again and again is looked at each time, so that it counts each time."""
    assert paths("a.txt " * (NAMES - 1) + "b.txt c.txt") == ["a.txt", "b.txt"]


def test_names_by_convention_count() -> None:
    """Names without an extension have the same limit."""
    assert paths("'Makefile' " * (NAMES - 1) + "'Dockerfile' 'Rakefile'") == ["Makefile", "Dockerfile"]


def test_nothing_of_another_kind_is_found_behind_the_limit() -> None:
    """Where names with an extension reach the limit, the search ends for all kinds of names."""
    start = "'Dockerfile' " + "a.txt " * NAMES
    assert paths(start + "b.csv 'Rakefile' saved to out/c.weights1") == ["Dockerfile", "a.txt"]


def test_what_is_no_name_by_what_follows_it_does_not_count() -> None:
    """A call of an object's method costs next to nothing, and does not bring the limit nearer."""
    assert paths("a.c(x) " * NAMES + "b.csv") == ["b.csv"]


def test_dots_of_other_words_are_limited() -> None:
    """A text of nothing but dotted words is given up after a million of them."""
    assert paths("a.csv " + "x.yz " * (DOTS - 2) + "b.csv c.csv") == ["a.csv", "b.csv"]


def test_blocks_up_to_the_limit_are_cut() -> None:
    """Of a text with more fences than are looked at, the first blocks are found."""
    text = "".join(f"```sh\necho {number}\n```\n" for number in range(FENCES // 2 + 10))
    blocks = code_blocks(text)
    assert len(blocks) == FENCES // 2
    assert blocks[-1].code == f"echo {FENCES // 2 - 1}"


def test_text_behind_the_last_fence_looked_at_is_prose() -> None:
    """Names in what stands behind the limit of fences are found, whether it is code or not."""
    fences = "```sh\nls a.csv\n```\n"
    assert paths(fences * (FENCES // 2)) == []
    assert paths(fences * (FENCES // 2) + "```sh\nls b.csv\n```\n") == ["b.csv"]


def test_languages_are_inferred_up_to_the_limit() -> None:
    """Blocks without a language are compiled until they are a million characters; those behind have none."""
    size = PARSE_LIMIT // 2
    compiled = -(-INFERRED // size)
    text = f"```\n#{'x' * (size - 1)}\n```\n" * (compiled + 2) + "```python\nx\n```"
    assert [block.language for block in code_blocks(text)] == ["python"] * compiled + ["", "", "python"]
