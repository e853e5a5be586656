"""What is measured of a clip's pictures before it is made: pure functions from frames to numbers."""
