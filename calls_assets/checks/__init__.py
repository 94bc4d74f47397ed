"""What is checked of each day: declaration, function and what it reads."""
