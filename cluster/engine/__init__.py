"""The engine of pipelines on Ray Data."""
