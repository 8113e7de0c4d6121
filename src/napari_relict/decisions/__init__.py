"""From ratings and scores to thresholds, verdicts, evidence and a release."""
