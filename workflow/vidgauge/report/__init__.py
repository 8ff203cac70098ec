"""Results for people and for programs: metrics.json, metrics.csv and the table on the terminal."""
