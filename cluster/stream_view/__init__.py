"""What a recipe's stream is: its first samples as pictures, its sizes, and what a sample costs."""
