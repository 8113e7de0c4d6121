"""Who is shown what, ratings from the key press to the database, reading kits."""
