"""Alarm modules: one file each; those of the operator lie in ALARM_MODULES_DIR."""
