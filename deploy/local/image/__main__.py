"""For the command line."""

import sys
from pathlib import Path

from deploy.local.image import snapline

print(snapline.make(Path(sys.argv[1])))  # noqa: T201  # what was asked for
