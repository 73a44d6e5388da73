"""What the tests of the drills share, and what tests of their command use as well."""
