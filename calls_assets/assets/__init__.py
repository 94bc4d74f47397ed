"""The asset functions: days in, tables out, numbers into the UI."""
