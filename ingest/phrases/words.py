"""How lists of phrases become a pattern."""


def alternatives(*phrases: str) -> str:
    """A pattern of RE2's for any of these, in which a blank stands for any white space."""
    return "(?:" + "|".join(phrases).replace(" ", r"\s+") + ")"
