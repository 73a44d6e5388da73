"""What operates the platform: functions, alarms, experiments and dashboards."""
