"""Jobs that misbehave in a process of their own, which must be able to import them quickly."""

import os


def read_forever(pid_file, advance):
    pid_file.write_text(str(os.getpid()))
    while True:
        advance(0)


def die(_, advance):
    os._exit(9)


def refuse(name, advance):
    raise PermissionError(13, "Permission denied", name)
