"""Resources as AWS takes them, for templates that need one on the way."""

from __future__ import annotations

from typing import Any

_OWNER = {
    "Effect": "Allow",
    "Principal": {"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}},
    "Action": "kms:*",
    "Resource": "*",
}
KEY: dict[str, Any] = {
    "Type": "AWS::KMS::Key",
    "Properties": {"KeyPolicy": {"Version": "2012-10-17", "Statement": [_OWNER]}},
}
