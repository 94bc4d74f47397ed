"""The metrics: one .sql file a table, what several of them share in `shared/`, and the code that runs them."""
