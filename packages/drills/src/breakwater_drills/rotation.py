"""RDS changes the password of the database under load, and every connection has to be made anew."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from botocore.exceptions import ClientError

from breakwater_drills import ecs
from breakwater_drills.drill import Drill
from breakwater_drills.errors import DrillError, aws_answer
from breakwater_drills.measure import Sample

# Connections outlive their password, so that a client which never reads the new one would go unseen for hours.
_END_CONNECTIONS: Final = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE usename = current_user AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)
_SECRET: Final = "DATABASE_SECRET_ARN"  # noqa: S105 (the name of a variable)


class Rotation(Drill):
    """The drill that rotates the password of the master user."""

    name = "rotation"
    intention = (
        "let RDS change the password of the master user, and end the connections that were made with the old one"
    )
    timeout_seconds = 900.0
    measured_in_aws = "Aurora, Secrets Manager, service"
    parts_emulated: ClassVar[Mapping[str, str]] = {
        "password": "this machine: the embedded AWS changes it in PostgreSQL and in the secret at once",
        "table": "this machine, and the fault does not touch it",
    }

    def prepare(self) -> None:
        """Refuse a cluster whose password RDS does not keep, then prepare as the other drills do.

        Raises:
            DrillError: RDS does not keep the password.
        """
        if "MasterUserSecret" not in self._cluster():
            raise DrillError(
                f"RDS does not keep the password of {self.target.database.identifier} in a secret, so it cannot rotate "
                "it; see ManageMasterUserPassword of ModifyDBCluster. Nothing was broken"
            )
        super().prepare()

    def before_fault(self, _samples: Sequence[Sample], /) -> None:
        """Note how the service logs in."""
        self.note(f"the service logs in {self._login()}")

    def inject(self) -> None:
        """Ask RDS for a new password."""
        self._old = self._version()
        try:
            # https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBCluster.html
            self._rds.modify_db_cluster(
                DBClusterIdentifier=self.target.database.identifier,
                RotateMasterUserPassword=True,
                ApplyImmediately=True,
            )
        except ClientError as error:
            raise DrillError(f"RDS refuses the rotation: {aws_answer(error)}") from None

    def restored(self) -> bool:
        """Return whether the new password is there, the cluster available, and the old connections ended."""
        cluster = self._cluster()
        if self._version() == self._old or cluster["Status"] != "available":
            return False
        if cluster["MasterUserSecret"]["SecretStatus"] != "active":
            return False
        self.note("RDS: the new password is there")
        ((ended,),) = self.rows.query(_END_CONNECTIONS)
        self.note(f"ended {ended['longValue']} connections of the master user")
        return True

    def failures_allowed(self, _samples: Sequence[Sample], /) -> int:
        """Return 0: a client reads the new password before it fails a request."""
        return 0

    def state(self) -> str:
        """Return the state of the secret."""
        secret = self._cluster()["MasterUserSecret"]
        return f"the secret {secret['SecretArn']} is {secret['SecretStatus']}"

    @property
    def _rds(self) -> Any:
        return self.target.client("rds")

    def _cluster(self) -> dict[str, Any]:
        identifier = self.target.database.identifier
        return dict(self._rds.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"][0])

    def _version(self) -> str:
        secrets = self.target.client("secretsmanager")
        versions = secrets.describe_secret(SecretId=self.target.database.secret_arn)["VersionIdsToStages"]
        return next(str(version) for version, stages in versions.items() if "AWSCURRENT" in stages)

    def _login(self) -> str:
        tasks = ecs.Tasks(self.target)
        revision = tasks.service()["taskDefinition"]
        definition = tasks.client.describe_task_definition(taskDefinition=revision)["taskDefinition"]
        containers = definition["containerDefinitions"]
        reads = any(each["name"] == _SECRET for one in containers for each in one.get("environment", []))
        return "with this password" if reads else "in another way, by IAM: this password is not its own"
