"""What the tool finds and how fast it is, against peers, in one run each: see docs/benchmarks.md."""
