"""Read-only checks against the live account for what no template can show, before a deployment finds out.

One file per service in ``checks``; a check declares the AWS operations that it may call, and cannot call any other.
"""
