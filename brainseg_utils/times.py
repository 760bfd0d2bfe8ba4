"""Lengths of time as people say them."""


def in_words(seconds: float) -> str:
    """Return a length of time such as `"45 s"`, `"12 min"` or `"3.5 h"`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
