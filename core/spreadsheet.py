"""Text that people open in a spreadsheet."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would calculate


def tame(text: str) -> str:
    """With an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text
