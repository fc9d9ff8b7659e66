"""What people see of a run: the HTML report with its figures, and the live view in the terminal."""
