"""Settings profiles under test: every environment, every egress mode, and one with every option on."""

from __future__ import annotations

from collections.abc import Mapping

CERTIFICATE = "arn:aws:acm:us-east-1:111111111111:certificate/12345678-1234-1234-1234-123456789012"
IMAGE = "111111111111.dkr.ecr.us-east-1.amazonaws.com/app:1"
NEEDED = {"compute.certificate_arn": CERTIFICATE, "compute.image": IMAGE}
COPY_VAULT = "arn:aws:backup:us-east-1:222222222222:backup-vault:isolated"

PROFILES: Mapping[str, Mapping[str, str]] = {
    "dev": {},
    "staging": {"environment": "staging", "suffix": "st", **NEEDED},
    "prod": {"environment": "prod", "suffix": "eu1", **NEEDED},
    "prod-nat": {"environment": "prod", "suffix": "nat", "network.egress": "nat", "account": "111111111111", **NEEDED},
    "options": {
        "environment": "staging",
        "suffix": "opt",
        "region": "eu-central-1",
        "network.egress": "nat",
        "network.nat_gateways": "one",
        "network.zones": "eu-central-1a,eu-central-1b,eu-central-1c",
        "monitoring.emails": "dr@mycompany.com,oncall@mycompany.com",
        "database.readers": "2",
        "database.log_exports": "postgresql,iam-db-auth-error",
        "compute.certificate_arn": CERTIFICATE.replace("us-east-1", "eu-central-1"),
        "compute.image": "ghcr.io/mycompany/app:1",
        "compute.exec_enabled": "true",
        "compute.architecture": "x86_64",
        "compute.command": "serve,--port,{port}",
        "backup.lock": "compliance",
        "backup.copy_vault_arn": COPY_VAULT,
    },
}
