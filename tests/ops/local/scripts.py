"""Stand-ins for the programs that `ops local` starts, as Python scripts."""

NODE = "print('v{version}')"
