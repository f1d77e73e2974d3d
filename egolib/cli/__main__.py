"""`python -m egolib.cli`, where the command is not on the path."""

import sys

from egolib.cli import main

sys.exit(main())
