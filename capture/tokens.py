"""Tokens that are known by their form, wherever they stand: what services hand out begins with a mark of theirs."""

import re
from typing import Final

MASKED: Final = "[masked]"
WORTH: Final = r"(?=[a-z._~+/=-]{0,64}[A-Z0-9]|[a-z]{20})"
"""A digit or a capital, or a long row of letters: words with dashes between them are no token."""
MARKED: Final = (
    r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,}",  # Stripe
    r"gh[pousr]_[A-Za-z0-9]{30,}",  # GitHub
    r"github_pat_[A-Za-z0-9_]{22,}",
    r"glpat-[A-Za-z0-9_-]{20,}",  # GitLab
    r"xox[abeprs]-[A-Za-z0-9-]{10,}",  # Slack
    r"hf_[A-Za-z0-9]{30,}",  # Hugging Face
    r"gsk_[A-Za-z0-9]{20,}",  # Groq
    r"npm_[A-Za-z0-9]{30,}",
    r"pypi-[A-Za-z0-9_-]{50,}",
)
"""Forms that no word has in it: they are found after a letter too."""
FORMS: Final = (
    r"sk-[A-Za-z0-9_-]{16,}",  # OpenAI, Anthropic and many others
    r"A[KS]IA[0-9A-Z]{16}",  # AWS
    r"AIza[0-9A-Za-z_-]{35}",  # Google
    r"eyJ[A-Za-z0-9_-]{10,1000}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",  # JSON Web Token
    r"[Bb]earer [A-Za-z0-9._~+/=-]{19,}[A-Za-z0-9_~+/=-]",
)
"""Forms that may be a part of a word or of encoded data: they are found where a word begins."""
SIGNS: Final = (
    *(b"sk-", b"k_live_", b"k_test_", b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_", b"glpat-", b"AKIA"),
    *(b"ASIA", b"AIza", b"xox", b"hf_", b"gsk_", b"npm_", b"pypi-", b"eyJ", b"earer ", b"PRIVATE KEY-----"),
)
"""What every one of the forms has in it: the search where RE2 is not installed."""
BEGIN: Final = (
    r"(?:(?<![A-Za-z0-9])"
    r"|(?<=\\[abefnrtv0])|(?<=\\u[0-9a-fA-F]{4})|(?<=\\x[0-9a-fA-F]{2})|(?<=\\[0-7]{3})"  # of JSON, Python
    r"|(?<=%[0-9a-fA-F]{2})"  # of addresses
    r"|(?<=[0-9;\[][mKJHG]))"  # the end of a terminal's colour code
)
"""Where a word begins: after what is no letter or digit, or after an escape that ends with one."""
KEY_BLOCK: Final = r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
URL: Final = r"""://[^\s:/?#@"'`\\{}<>]*:[^\s/?#@"'`\\{}<>]+@"""
"""A user and password in an address. Templates such as `{password}` are none."""
ANYWHERE: Final = ("|".join((*MARKED, *FORMS, URL)).encode(), b"-----BEGIN [A-Z ]*PRIVATE KEY")
"""What RE2 looks for in a record's bytes: all forms, wherever they begin, because it can't look behind."""
ADDRESS: Final = re.compile(URL)
ADDRESS_IN_BYTES: Final = re.compile(URL.encode())
BLOCK: Final = re.compile(KEY_BLOCK)
TOKEN: Final = re.compile(
    "|".join((*MARKED, *(BEGIN + re.sub(r"^(sk-|\[Bb\]earer )", rf"\g<1>{WORTH}", form, count=1) for form in FORMS)))
)


def without_tokens(text: str) -> str:
    """A text with tokens of well-known forms, private keys, and the passwords in addresses masked."""
    text = ADDRESS.sub(lambda found: f"://{found[0][3:].partition(':')[0]}:{MASKED}@", text)
    return TOKEN.sub(MASKED, BLOCK.sub(MASKED, text))
