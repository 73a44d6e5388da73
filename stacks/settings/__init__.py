"""Typed, frozen, validated settings: a bad value never reaches CloudFormation.

``foundation``, ``workload``, ``operations`` and ``model`` declare every setting with its type, unit and range;
``rules`` states which combinations contradict each other; ``fields`` reads a setting from text and says what it
accepts; ``loader`` merges default, environment file and context into one :class:`Settings`, or raises one
:class:`SettingsError` that names the key, the value, what is allowed and where to change it.
"""

from stacks.settings.foundation import (
    EgressMode,
    KmsSettings,
    MonitoringSettings,
    NetworkSettings,
    ProjectSettings,
    RemovalSettings,
)
from stacks.settings.loader import load_settings
from stacks.settings.model import Settings
from stacks.settings.operations import OperationsSettings
from stacks.settings.problems import Problem, SettingsError, UnreadableFile
from stacks.settings.workload import (
    BackupSettings,
    ComputeSettings,
    DatabaseSettings,
    RecoverySettings,
    StorageSettings,
)

__all__ = [
    "BackupSettings",
    "ComputeSettings",
    "DatabaseSettings",
    "EgressMode",
    "KmsSettings",
    "MonitoringSettings",
    "NetworkSettings",
    "OperationsSettings",
    "Problem",
    "ProjectSettings",
    "RecoverySettings",
    "RemovalSettings",
    "Settings",
    "SettingsError",
    "StorageSettings",
    "UnreadableFile",
    "load_settings",
]
