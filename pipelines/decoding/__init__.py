"""Reading files from anywhere: the confined, killable child, and what runs in it from bytes to spooled frames."""
