"""Training: data sets, losses, schedules, the loop."""
