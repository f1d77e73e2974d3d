"""Errors meant for the reader of the screen: one line that names the file and the remedy."""

import builtins


class EgolibError(Exception):
    """Bad input. The message says what was wrong, where, and what to do; the CLI exits with 2."""

    def __str__(self) -> str:
        # PyTorch's loading processes hand an error on with their traceback in front of it.
        return super().__str__().rsplit(f"{type(self).__name__}: ", 1)[-1].strip()


def is_ours(name: str) -> bool:
    """Whether a class of this name, as another process's traceback prints it, is an EgolibError."""
    return name in {EgolibError.__name__, *(c.__name__ for c in EgolibError.__subclasses__())}


def is_path_error(name: str) -> bool:
    """Whether a class of this name is what Python raises for a path that cannot be used."""
    kind = getattr(builtins, name, None)
    return isinstance(kind, type) and issubclass(kind, OSError)


class NoSpaceError(EgolibError):
    """The disk is full: whatever else is written there will fail too."""
