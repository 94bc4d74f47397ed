"""What `dg scaffold defs` writes: definitions of your own beside the project's, loaded with them. Empty as shipped."""
