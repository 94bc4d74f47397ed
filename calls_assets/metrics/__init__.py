"""The definitions an analyst can read: one .sql file a table, and the few lines that run them over any days."""
