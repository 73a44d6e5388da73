"""Amazon RDS: the quotas of the account, which ministack does not have."""

from typing import Any

from embedded_aws.server import upstream

# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/CHAP_Limits.html
_QUOTAS = {
    "DBInstances": 40,
    "ReservedDBInstances": 40,
    "DBParameterGroups": 50,
    "ManualSnapshots": 100,
    "EventSubscriptions": 20,
    "DBSubnetGroups": 50,
    "OptionGroups": 20,
    "SubnetsPerDBSubnetGroup": 20,
    "ReadReplicasPerMaster": 15,
    "DBClusters": 40,
    "DBClusterParameterGroups": 50,
    "DBClusterRoles": 5,
    "ManualClusterSnapshots": 100,
}


def install() -> None:
    """Add the operation."""
    upstream.rds_actions["DescribeAccountAttributes"] = _describe


def _describe(_request: dict[str, Any]) -> Any:
    used = {"DBClusters": len(upstream.db_clusters), "DBInstances": len(upstream.db_instances)}
    quotas = "".join(
        f"<AccountQuota><AccountQuotaName>{name}</AccountQuotaName><Used>{used.get(name, 0)}</Used>"
        f"<Max>{most}</Max></AccountQuota>"
        for name, most in _QUOTAS.items()
    )
    result = (
        f"<DescribeAccountAttributesResult><AccountQuotas>{quotas}</AccountQuotas></DescribeAccountAttributesResult>"
    )
    return upstream.rds_xml(200, "DescribeAccountAttributesResponse", result)
