"""Read-only checks of the account, before a deployment, of what no template can show.

One module for each service in ``checks``; a check declares the AWS operations that it calls, and can call no others.
"""
