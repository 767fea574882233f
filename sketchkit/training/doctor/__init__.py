"""Reads the logs of a training run and says in words what is wrong with it, and what to do; without torch."""

from sketchkit.training.doctor.diagnosis import Diagnosis, diagnose
from sketchkit.training.doctor.findings import Finding, Severity

__all__ = ["Diagnosis", "Finding", "Severity", "diagnose"]
