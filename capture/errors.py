"""The one error that the recorder raises: from `start`, at what the user asked for. Never from inside an agent."""


class CaptureError(Exception):
    """What is wrong, where, and what to do about it, in one line."""
