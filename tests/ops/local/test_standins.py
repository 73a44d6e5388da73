"""What prod and staging demand of an account: made in the embedded AWS, and refused by name where it cannot be."""

from __future__ import annotations

import pytest

from embedded_aws.clients import Aws
from ops.errors import OpsError
from ops.local import standins

PROD = {"environment": "prod", "suffix": "eu1", "region": "us-east-1"}
DEV = {"environment": "dev", "region": "us-east-1"}
THEIRS = "arn:aws:acm:us-east-1:111111111111:certificate/12345678-1234-1234-1234-123456789012"
IMAGE = "111111111111.dkr.ecr.us-east-1.amazonaws.com/team/app"
DIGEST = f"sha256:{'a' * 64}"


def test_what_is_demanded_and_not_given_has_a_placeholder() -> None:
    compute = standins.check(PROD).compute
    assert compute.certificate_arn is not None
    assert compute.image == "000000000000.dkr.ecr.us-east-1.amazonaws.com/breakwater:local"
    given = standins.check({**PROD, "compute.image": f"{IMAGE}:1", "compute.certificate_arn": THEIRS}).compute
    assert (given.image, given.certificate_arn) == (f"{IMAGE}:1", THEIRS)
    assert standins.check(DEV).compute.certificate_arn is None


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("operations.validation_minimum_items", "101", "at most 100 items"),
        ("compute.image", "nginx:1", "allowed is an image in private ECR"),
        ("compute.certificate_arn", THEIRS.replace("us-east-1", "eu-west-1"), "a certificate in Region us-east-1"),
        ("no.such", "1", "no.such"),
    ],
)
def test_what_cannot_be_held_is_refused_by_the_name_of_its_setting(setting: str, value: str, said: str) -> None:
    with pytest.raises(OpsError, match=rf"^{setting} = .*{said}") as refused:
        standins.check({**PROD, setting: value})
    assert "\n" not in str(refused.value)


def test_as_many_items_as_the_restore_test_can_write_are_held() -> None:
    limit = {"operations.validation_minimum_items": str(standins.MOST_ITEMS)}
    assert standins.check({**PROD, **limit}).operations.validation_minimum_items == 100


@pytest.mark.emulator
def test_a_certificate_and_an_image_are_made_once(aws: Aws) -> None:
    made = standins.make(aws, standins.check(PROD))
    assert set(made) == {"compute.certificate_arn", "compute.domain_name", "compute.image"}
    found = aws("acm").describe_certificate(CertificateArn=made["compute.certificate_arn"])["Certificate"]
    assert (found["Status"], found["DomainName"]) == ("ISSUED", made["compute.domain_name"])
    assert standins.make(aws, standins.check(PROD)) == made
    # Whoever gives what was made gets it.
    kept = {key: value for key, value in made.items() if key != "compute.certificate_arn"}
    assert standins.make(aws, standins.check({**PROD, **made})) == kept


@pytest.mark.emulator
@pytest.mark.parametrize(("reference", "which"), [(":7", {"imageTag": "7"}), (f"@{DIGEST}", {"imageDigest": DIGEST})])
def test_a_given_image_is_there_and_a_foreign_certificate_is_replaced(
    aws: Aws, reference: str, which: dict[str, str]
) -> None:
    theirs = {"compute.certificate_arn": THEIRS, "compute.domain_name": "pay.mycompany.com"}
    made = standins.make(aws, standins.check({**PROD, "compute.image": f"{IMAGE}{reference}", **theirs}))
    assert set(made) == {"compute.certificate_arn"}
    found = aws("acm").describe_certificate(CertificateArn=made["compute.certificate_arn"])["Certificate"]
    assert found["DomainName"] == "pay.mycompany.com"
    assert aws("ecr").batch_get_image(repositoryName="team/app", imageIds=[which])["images"]


@pytest.mark.emulator
def test_a_hosted_zone_is_replaced_by_one_that_holds_the_domain_name(aws: Aws) -> None:
    given = {**DEV, "compute.domain_name": "pay.mycompany.com", "compute.hosted_zone_id": "Z0123456789ABCDEFGHIJ"}
    made = standins.make(aws, standins.check(given))
    assert set(made) == {"compute.hosted_zone_id"}
    zone = aws("route53").get_hosted_zone(Id=made["compute.hosted_zone_id"])["HostedZone"]
    assert zone["Name"] == "mycompany.com."
    # The same one in each run, since another one would replace the record.
    assert standins.make(aws, standins.check(given)) == made
    assert standins.make(aws, standins.check({**given, **made})) == {}


@pytest.mark.emulator
def test_an_environment_that_demands_neither_gets_neither(aws: Aws) -> None:
    assert standins.make(aws, standins.check(DEV)) == {}
