"""The long work of a study: cohorts, match, segment, train, audit."""
