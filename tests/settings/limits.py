"""What each setting accepts on its own: the table that the tests hold against the code."""

from __future__ import annotations

# What holds when no file and no context says otherwise; the README promises these.
DEFAULTS: dict[str, object] = {
    "suffix": "dev",
    "region": "us-east-1",
    "account": None,
    "project.name": "Breakwater",
    "project.owner": "platform-team",
    "project.cost_center": "shared-services",
    "network.cidr": "10.20.0.0/16",
    "network.subnet_prefix": 22,
    "network.zones": (),
    "network.zone_count": 2,
    "network.nat_gateways": "per-zone",
    "monitoring.emails": (),
    "database.engine_version": "17.7",
    "database.name": "transactions",
    "database.master_username": "breakwater_owner",
    "database.application_username": "breakwater_app",
    "database.port": 5433,
    "database.readers": 1,
    "database.backup_window": "03:00-04:00",
    "database.maintenance_window": "sun:05:00-sun:06:00",
    "database.data_api": True,
    "database.replica_lag_alarm_ms": 1000,
    "storage.point_in_time_recovery_days": 35,
    "storage.ttl_attribute": "expires_at",
    "storage.noncurrent_version_days": 90,
    "compute.image": None,
    "compute.command": (),
    "compute.user": "65534:65534",
    "compute.writable_paths": ("/tmp",),  # noqa: S108 (a path inside a container)
    "compute.writable_path_mib": 64,
    "compute.architecture": "arm64",
    "compute.port": 8080,
    "compute.health_path": "/",
    "compute.health_grace_seconds": 60,
    "compute.min_tasks": 2,
    "compute.requests_per_target": 1000,
    "compute.certificate_arn": None,
    "compute.exec_enabled": False,
    "compute.latency_p99_alarm_ms": 1000,
    "backup.lock_min_retention_days": 1,
    "backup.lock_max_retention_days": 36500,
    "backup.lock_changeable_days": 3,
    "backup.copy_vault_arn": None,
    "backup.restore_test_schedule": "cron(0 12 ? * SUN *)",
    "backup.restore_test_keep_hours": 4,
}
# Lowest and highest whole number; None: no end.
WHOLE = {
    "kms.pending_window_days": (7, 30),
    "network.subnet_prefix": (16, 28),
    "network.zone_count": (2, 6),
    "database.port": (1150, 65535),
    "database.readers": (1, 15),
    "database.backup_retention_days": (7, 35),
    "database.connections_alarm": (1, None),
    "database.replica_lag_alarm_ms": (1, None),
    "storage.point_in_time_recovery_days": (1, 35),
    "storage.noncurrent_version_days": (1, None),
    "storage.access_log_days": (1, None),
    "compute.writable_path_mib": (1, 1024),
    "compute.memory": (512, 122880),
    "compute.port": (1024, 65535),
    "compute.health_grace_seconds": (1, 3600),
    "compute.min_tasks": (2, 5000),
    "compute.max_tasks": (2, 5000),
    "compute.requests_per_target": (1, None),
    "compute.latency_p99_alarm_ms": (1, None),
    "backup.daily_retention_days": (1, None),
    "backup.weekly_retention_days": (1, None),
    "backup.monthly_retention_days": (1, None),
    "backup.continuous_retention_days": (1, 35),
    "backup.lock_min_retention_days": (1, 36500),
    "backup.lock_max_retention_days": (1, 36500),
    "backup.lock_changeable_days": (3, 36500),
    "backup.restore_test_keep_hours": (1, 168),
    "recovery.rto_seconds": (1, None),
    "recovery.rpo_seconds": (1, None),
}
STEPPED = ("database.min_acu", "database.max_acu")
RETENTION = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
CHOICES: dict[str, tuple[object, ...]] = {
    "environment": ("dev", "staging", "prod"),
    "removal.data": ("destroy", "snapshot", "retain"),
    "network.egress": ("public-ip", "nat", "endpoints"),
    "network.nat_gateways": ("one", "per-zone"),
    "network.flow_log_retention_days": RETENTION,
    "monitoring.log_retention_days": RETENTION,
    "database.insights": ("standard", "advanced"),
    "database.enhanced_monitoring_seconds": (0, 1, 5, 10, 15, 30, 60),
    "compute.architecture": ("arm64", "x86_64"),
    "compute.cpu": (256, 512, 1024, 2048, 4096, 8192, 16384),
    "compute.container_insights": ("enabled", "enhanced"),
    "backup.lock": ("off", "governance", "compliance"),
}
SWITCHES = (
    "removal.deletion_protection",
    "removal.termination_protection",
    "network.restrict_default_security_group",
    "database.data_api",
    "storage.contributor_insights",
    "compute.https_required",
    "compute.waf",
    "compute.exec_enabled",
)
# Text that is accepted and text that is not: the shortest, the longest, the first character, the alphabet.
TEXTS: dict[str, tuple[list[str], list[str]]] = {
    "suffix": (
        ["a", "abcdefghijkl", "a1", "a-1"],
        ["", "abcdefghijklm", "1a", "-a", "EU", "a_b", "a.b", "a b", "ä", "a\n"],
    ),
    "region": (["us-east-1", "us-gov-west-1", "eu-central-2"], ["", "us-east", "useast-1", "us-east-1a", "US-EAST-1"]),
    "account": (["000000000000"], ["11111111111", "1111111111111", "11111111111a", "\N{ARABIC-INDIC DIGIT ONE}" * 12]),
    "project.name": (["B", "b" + "1" * 31, "My-Project"], ["", "b" * 33, "1b", "-b", "a b", "a_b"]),
    "project.owner": (
        ["x", "x" * 256, "Müller & Söhne".replace("&", "+"), "a_.:/=+-@ 1"],
        ["", "x" * 257, "a<b", "a&b"],
    ),
    "project.cost_center": (["1", "x" * 256], ["", "x" * 257, "a;b"]),
    "network.cidr": (
        ["10.0.0.0/16", "192.168.0.0/17"],
        ["", "10.0.0.0", "10.0.0/16", "10.0.0.0/", "fd00::/16", "a/16"],
    ),
    "database.engine_version": (["17.7", "16.11"], ["", "17", "17.7.1", "17.", "9.6", "17.7-limitless", "x.y"]),
    "database.name": (["a", "a" + "_" * 62], ["", "a" * 64, "1a", "_a", "A", "a-b"]),
    "database.master_username": (["a", "a" * 16], ["", "a" * 17, "1a", "_a", "A", "a-b"]),
    "database.application_username": (["a", "a" * 63], ["", "a" * 64, "1a", "_a", "A", "a-b"]),
    "database.backup_window": (
        ["00:00-00:30", "23:59-01:00", "12:00-13:59", "19:00-20:00"],
        ["", "24:00-01:00", "3:00-4:00", "03:60-04:00", "03:00", "03:00-04:00 UTC", "sun:03:00-sun:04:00"],
    ),
    "database.maintenance_window": (
        [f"{day}:05:00-{day}:06:00" for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")]
        + ["sun:23:30-mon:00:15"],
        ["", "05:00-06:00", "Sun:05:00-Sun:06:00", "sun:24:00-mon:00:30", "sun:05:00-06:00", "day:05:00-day:06:00"],
    ),
    "storage.ttl_attribute": (["a", "_", "A" * 255, "expires_at1"], ["", "a" * 256, "1a", "a-b", "a b"]),
    "compute.image": (["x", "public.ecr.aws/docker/library/python:3.13-slim"], [""]),
    "compute.user": (
        ["1", "65534:65534", "1000"],
        ["", "0", "0:1", "1:0", "root", "1:", ":1", "1:1:1", "1\N{ARABIC-INDIC DIGIT ONE}"],
    ),
    "compute.health_path": (["/", "/health?x=1", "/" + "a" * 1023], ["", "health", "/a b", "/" + "a" * 1024, "/ä"]),
    "compute.certificate_arn": (
        ["arn:aws:acm:us-east-1:111111111111:certificate/1a-B"],
        [
            "",
            "certificate/1",
            "arn:aws:iam::111111111111:server-certificate/x",
            "arn:aws:acm:us-east-1:1:certificate/1",
        ],
    ),
    "backup.copy_vault_arn": (
        [f"arn:aws:backup:us-east-1:111111111111:backup-vault:{name}" for name in ("ab", "a" * 50, "A_b-1")],
        [f"arn:aws:backup:us-east-1:111111111111:backup-vault:{name}" for name in ("", "a", "a" * 51, "a b")]
        + ["", "arn:aws:s3:::bucket", "arn:aws:backup:us-east-1:1:backup-vault:ab"],
    ),
    "backup.restore_test_schedule": (
        ["cron(0 12 ? * SUN *)"],
        ["", "cron()", "rate(1 day)", "0 12 ? * SUN *", "cron(0"],
    ),
}
LISTS: dict[str, tuple[list[str], list[str]]] = {
    "network.zones": (["us-east-1a"], []),
    "monitoring.emails": (
        ["dr@mycompany.com", "a+b@c.de"],
        ["", "dr", "dr@mycompany", "@mycompany.com", "a b@c.de", "a@b@c.de"],
    ),
    "database.log_exports": (["postgresql", "instance", "iam-db-auth-error"], ["upgrade", ""]),
    "compute.command": (["anything at all", ""], []),
    "compute.writable_paths": (["/tmp", "/var/run/my.app_1-x"], ["", "/", "tmp", "/a b", "/ä"]),  # noqa: S108
}
