"""The doctor: reads a training run's logs, and names its faults and their remedies in words; torch-free."""

from sketchkit.training.doctor.checks import Finding, Severity
from sketchkit.training.doctor.diagnosis import Diagnosis, diagnose

__all__ = ["Diagnosis", "Finding", "Severity", "diagnose"]
