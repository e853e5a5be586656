"""Finding the shots of a video: two detectors, what their curves mean, and how well they do on known cuts."""
