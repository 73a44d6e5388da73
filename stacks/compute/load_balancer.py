"""The Application Load Balancer of the service, with its target group and its listeners."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.settings import ComputeSettings


class LoadBalancer(Construct):
    """An internet-facing load balancer that logs every request and drops malformed headers.

    Listeners are not ``open``: the network stack owns the security groups.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        settings: port, health check, certificate and domain name.
        name: physical name, at most 32 characters.
        deletion_protection: refuse deletion until switched off.
        vpc: network whose public subnets it uses.
        security_group: decides who may reach it, a view.
        log_bucket: bucket whose policy lets load balancers deliver; SSE-S3.
        log_prefix: folder of the access logs in it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: ComputeSettings,
        name: str,
        deletion_protection: bool,
        vpc: ec2.IVpc,
        security_group: ec2.ISecurityGroup,
        log_bucket: s3.IBucket,
        log_prefix: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self.balancer = elbv2.ApplicationLoadBalancer(
            self,
            "Default",
            load_balancer_name=name,
            vpc=vpc,
            internet_facing=True,
            security_group=security_group,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
            drop_invalid_header_fields=True,
            desync_mitigation_mode=elbv2.DesyncMitigationMode.DEFENSIVE,
            deletion_protection=deletion_protection,
        )
        self.balancer.log_access_logs(log_bucket, log_prefix)
        # Lets an operator take a zone out; with cross-zone load balancing, too, which is on:
        # https://docs.aws.amazon.com/r53recovery/latest/dg/arc-zonal-shift.resource-types.app-load-balancers.html
        self.balancer.set_attribute("zonal_shift.config.enabled", "true")
        self.target_group = self._build_target_group(settings, vpc)
        self.https_listener = self._build_https_listener(settings.certificate_arn)
        self.http_listener = self._build_http_listener()
        if settings.domain_name and settings.hosted_zone_id:
            self._build_record(settings.domain_name, settings.hosted_zone_id)

    @property
    def listeners(self) -> list[elbv2.ApplicationListener]:
        """Every listener; a service whose target group has none cannot be created."""
        return [self.http_listener, self.https_listener] if self.https_listener else [self.http_listener]

    def _build_target_group(self, settings: ComputeSettings, vpc: ec2.IVpc) -> elbv2.ApplicationTargetGroup:
        return elbv2.ApplicationTargetGroup(
            self,
            "TargetGroup",
            vpc=vpc,
            target_type=elbv2.TargetType.IP,  # the only one that Fargate can register with
            protocol=elbv2.ApplicationProtocol.HTTP,
            port=settings.port,
            deregistration_delay=Duration.seconds(settings.deregistration_delay_seconds),
            health_check=elbv2.HealthCheck(
                path=settings.health_path,
                healthy_http_codes="200",
                interval=Duration.seconds(settings.health_interval_seconds),
                timeout=Duration.seconds(settings.health_timeout_seconds),
                healthy_threshold_count=settings.healthy_threshold,
                unhealthy_threshold_count=settings.unhealthy_threshold,
            ),
        )

    def _build_https_listener(self, certificate_arn: str | None) -> elbv2.ApplicationListener | None:
        if certificate_arn is None:
            return None
        return self.balancer.add_listener(
            "HttpsListener",
            port=443,
            open=False,
            certificates=[elbv2.ListenerCertificate.from_arn(certificate_arn)],
            # TLS 1.3 and 1.2 with forward secrecy, authenticated ciphers and post-quantum key exchange:
            # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
            ssl_policy=elbv2.SslPolicy.TLS13_12_RES_PQ,
            default_action=elbv2.ListenerAction.forward([self.target_group]),
        )

    def _build_http_listener(self) -> elbv2.ApplicationListener:
        """Redirect to HTTPS where there is a certificate; forward where there is none."""
        redirect = elbv2.ListenerAction.redirect(port="443", protocol="HTTPS", permanent=True)
        action = redirect if self.https_listener else elbv2.ListenerAction.forward([self.target_group])
        return self.balancer.add_listener("HttpListener", port=80, open=False, default_action=action)

    def _build_record(self, domain_name: str, hosted_zone_id: str) -> route53.CfnRecordSet:
        """Lead the domain name to the load balancer by an alias, which follows its addresses and costs no queries."""
        # ARecord wants the zone's name, which follows from its id, and a target of a module that loads thirty others.
        return route53.CfnRecordSet(
            self,
            "Record",
            type="A",
            name=domain_name,
            hosted_zone_id=hosted_zone_id,
            alias_target=route53.CfnRecordSet.AliasTargetProperty(
                dns_name=self.balancer.load_balancer_dns_name,
                hosted_zone_id=self.balancer.load_balancer_canonical_hosted_zone_id,
                evaluate_target_health=True,
            ),
        )
