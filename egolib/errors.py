"""Errors meant for the reader of the screen: one line that names the file and the remedy."""


class EgolibError(Exception):
    """Bad input. The message says what was wrong, where, and what to do; the CLI exits with 2."""
