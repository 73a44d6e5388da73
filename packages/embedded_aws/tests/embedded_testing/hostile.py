"""A user's environment full of what must not reach the embedded AWS."""

from __future__ import annotations

HOSTILE = {
    "HOME": "/home/user",
    "PATH": "/usr/bin",
    "AWS_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "AKIAREAL",
    "AWS_SECRET_ACCESS_KEY": "real",
    "AWS_SESSION_TOKEN": "real",
    "AWS_ENDPOINT_URL": "https://example.com",
    "AWS_ENDPOINT_URL_RDS": "https://example.com",
    "AWS_CONFIG_FILE": "/home/user/.aws/config",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_CA_BUNDLE": "/home/user/ca.pem",
    "CDK_DEFAULT_ACCOUNT": "111111111111",
    "HTTP_PROXY": "http://proxy:3128",
    "HTTPS_PROXY": "http://proxy:3128",
    "PERSIST_STATE": "1",
    "BIND_HOST": "0.0.0.0",  # noqa: S104 (to be dropped)
    "PYTHONPATH": "/elsewhere",
}
