"""People: users, roles, sessions, teams, contact methods, notification rules, audit."""
