"""Keeps pandas and NumPy out of processes that do not use them.

Arrow imports pandas, where it is installed, when it is first handed a list, only to ask whether that is a Series. That
takes 0.3 to 0.4 s in each process. NumPy it imports at once, for arrays that nobody hands it: 0.1 s, and 11 MB.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _Absent(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in ("pandas", "numpy"):
            raise ModuleNotFoundError(f"this process does without {fullname}", name=fullname)
        return None


def leave_pandas_alone() -> None:
    """From here on both count as not installed, in this process. Only for processes of this package's own."""
    sys.meta_path.insert(0, _Absent())
