"""Every table of the project, declared once, and the store that keeps one file a table and day."""
