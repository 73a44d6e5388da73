"""`python -m ops.emulator`: start the embedded AWS on a loopback address, in the foreground."""

import sys

from ops.emulator import server

if __name__ == "__main__":
    sys.exit(server.main())
