"""The reference service: transfers between accounts that survive the loss of a task, a writer or a zone."""

VERSION = "1.0.0"
