"""Read-only views of another stack's resources.

An L2 construct edits what it is given: a topic adds grants to the policy of its key, a load balancer opens the security
groups of its targets. Across nested stacks such an edit makes a cycle, so a consumer takes a view instead.
"""

from __future__ import annotations

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct


def view_of_key(scope: Construct, construct_id: str, key: kms.IKey) -> kms.IKey:
    """Return the key without the right to edit its policy."""
    return kms.Key.from_key_arn(scope, construct_id, key.key_arn)


def view_of_security_group(scope: Construct, construct_id: str, group: ec2.ISecurityGroup) -> ec2.ISecurityGroup:
    """Return the security group without the right to add rules to it."""
    return ec2.SecurityGroup.from_security_group_id(scope, construct_id, group.security_group_id, mutable=False)


def view_of_bucket(scope: Construct, construct_id: str, bucket: s3.IBucket) -> s3.IBucket:
    """Return the bucket without the right to edit its policy."""
    return s3.Bucket.from_bucket_name(scope, construct_id, bucket.bucket_name)


def view_of_queue(scope: Construct, construct_id: str, queue: sqs.IQueue) -> sqs.IQueue:
    """Return the queue without the right to edit its policy."""
    return sqs.Queue.from_queue_arn(scope, construct_id, queue.queue_arn)
