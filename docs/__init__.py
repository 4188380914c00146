"""The pages for people who use the program, and what writes the one of them that is generated."""
