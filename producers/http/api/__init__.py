"""What every route of the API has: one row of a table that says all of it, and what is made of that."""
