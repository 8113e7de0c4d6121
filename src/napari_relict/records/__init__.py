"""What is on disk of a study: settings, database, exports."""
