"""``python -m guards``."""

import sys

from guards.cli import main

sys.exit(main())
