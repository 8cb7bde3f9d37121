"""What is worth knowing of data and runs, in numbers."""
