"""The definitions an analyst can read: one .sql file a table, what several share in `shared/`, and the code that runs them."""
