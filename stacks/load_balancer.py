"""The Application Load Balancer of the service: attributes, target group and listeners."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.acknowledgements import HIPAA, NIST, PCI, UNPROTECTED, acknowledge, skip_checkov
from stacks.settings import ComputeSettings

NO_WAF = "compute.waf is off: an environment without customers' traffic; prod has a web ACL before the load balancer."
NO_CERTIFICATE = "A listener for plain HTTP has no certificate; where one is configured, it only redirects to HTTPS."
PLAIN_HTTP = "No certificate to redirect to: dev only, since compute.https_required refuses this in staging and prod."


def build_load_balancer(
    scope: Construct,
    *,
    vpc: ec2.IVpc,
    security_group: ec2.ISecurityGroup,
    name: str,
    deletion_protection: bool,
    waf: bool,
    log_bucket: s3.IBucket,
    log_prefix: str,
) -> elbv2.ApplicationLoadBalancer:
    """Build an internet-facing load balancer that logs every request and drops malformed headers.

    Args:
        scope: stack that owns it.
        vpc: network whose public subnets it uses.
        security_group: decides who may reach it.
        name: physical name, at most 32 characters.
        deletion_protection: refuse deletion until switched off.
        waf: a web ACL is put before it.
        log_bucket: bucket whose policy lets load balancers deliver; SSE-S3.
        log_prefix: folder of the access logs in it.

    Returns:
        The load balancer, without listeners.
    """
    balancer = elbv2.ApplicationLoadBalancer(
        scope,
        "LoadBalancer",
        load_balancer_name=name,
        vpc=vpc,
        internet_facing=True,
        security_group=security_group,
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
        drop_invalid_header_fields=True,
        desync_mitigation_mode=elbv2.DesyncMitigationMode.DEFENSIVE,
        deletion_protection=deletion_protection,
    )
    balancer.log_access_logs(log_bucket, log_prefix)
    if not deletion_protection:
        acknowledge(balancer, HIPAA, NIST, rule="ELBDeletionProtectionEnabled", reason=UNPROTECTED)
    if not waf:
        acknowledge(balancer, NIST, PCI, rule="ALBWAFEnabled", reason=NO_WAF)
    return balancer


def build_target_group(scope: Construct, *, vpc: ec2.IVpc, settings: ComputeSettings) -> elbv2.ApplicationTargetGroup:
    """Build the group of the service's tasks.

    Args:
        scope: stack that owns it.
        vpc: network of the tasks.
        settings: port and health path.

    Returns:
        A target group of type ``ip``, the only one that Fargate can register with.
    """
    return elbv2.ApplicationTargetGroup(
        scope,
        "TargetGroup",
        vpc=vpc,
        target_type=elbv2.TargetType.IP,
        protocol=elbv2.ApplicationProtocol.HTTP,
        port=settings.port,
        deregistration_delay=Duration.seconds(30),
        health_check=elbv2.HealthCheck(
            path=settings.health_path,
            healthy_http_codes="200",
            interval=Duration.seconds(15),
            timeout=Duration.seconds(5),
            healthy_threshold_count=2,
            unhealthy_threshold_count=2,
        ),
    )


def build_listeners(
    balancer: elbv2.ApplicationLoadBalancer,
    target_group: elbv2.ApplicationTargetGroup,
    *,
    certificate_arn: str | None,
) -> list[elbv2.ApplicationListener]:
    """Build the listeners: HTTPS with a redirect from HTTP, or plain HTTP where there is no certificate.

    Args:
        balancer: load balancer to listen on.
        target_group: where requests go.
        certificate_arn: ACM certificate; ``None`` means HTTP only.

    Returns:
        Every listener that forwards or redirects. ``open`` is off: the network stack owns the security groups.
    """
    forward = elbv2.ListenerAction.forward([target_group])
    redirect = elbv2.ListenerAction.redirect(port="443", protocol="HTTPS", permanent=True)
    action = redirect if certificate_arn else forward
    http = balancer.add_listener("HttpListener", port=80, open=False, default_action=action)
    acknowledge(http, HIPAA, NIST, PCI, rule="ELBv2ACMCertificateRequired", reason=NO_CERTIFICATE)
    if certificate_arn is None:
        acknowledge(http, HIPAA, NIST, PCI, rule="ALBHttpToHttpsRedirection", reason=PLAIN_HTTP)
        skip_checkov(http, {"CKV_AWS_2": PLAIN_HTTP, "CKV_AWS_103": PLAIN_HTTP})
        return [http]
    return [
        http,
        balancer.add_listener(
            "HttpsListener",
            port=443,
            open=False,
            certificates=[elbv2.ListenerCertificate.from_arn(certificate_arn)],
            # TLS 1.3 and 1.2 with forward secrecy, authenticated ciphers and post-quantum key exchange:
            # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
            ssl_policy=elbv2.SslPolicy.TLS13_12_RES_PQ,
            default_action=forward,
        ),
    ]
