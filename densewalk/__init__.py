"""Dense self-supervised learning from video: corpora, random-walk pretraining, dense evaluation."""

__version__ = "0.1.0"
