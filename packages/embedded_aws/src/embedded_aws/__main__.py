"""`python -m embedded_aws`: start the embedded AWS on a loopback address, in the foreground."""

import sys

from embedded_aws.server import process

if __name__ == "__main__":
    sys.exit(process.main())
