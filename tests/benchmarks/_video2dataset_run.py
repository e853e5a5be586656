"""Runs video2dataset on a list of files; started by the Python of its own environment, where nothing of ours is.

Its release 1.3.0 asks `ResolutionSubsampler` for an attribute that it lacks and stops; it is given here, since the
other way, writing whole videos into tars first and reading them again, would only cost it time.
"""

import sys

from video2dataset import video2dataset
from video2dataset.subsamplers.resolution_subsampler import ResolutionSubsampler

ResolutionSubsampler.encode_formats = {"video": "mp4"}


def main(listing: str, out: str, *, precision: str, processes: int, videos_a_shard: int, short_side: int) -> None:
    """Cut the landscape videos that a text file lists, one path a line, into clips of 1 to 10 seconds."""
    clipping = {"min_length": 1.0, "max_length": 10.0, "max_length_strategy": "all", "precision": precision}
    video2dataset(
        listing,
        output_folder=out,
        output_format="webdataset",
        input_format="txt",
        encode_formats={"video": "mp4"},
        config={
            "subsampling": {
                "ResolutionSubsampler": {"args": {"height": short_side, "resize_mode": "scale"}},
                "CutDetectionSubsampler": {"cuts_are_clips": True, "args": {}},
                "ClippingSubsampler": {"args": clipping},
            },
            "reading": {
                "yt_args": {"download_size": 360, "download_audio_rate": 44100, "yt_metadata_args": None},
                "timeout": 60,
                "sampler": None,
            },
            "storage": {
                "number_sample_per_shard": videos_a_shard,
                "oom_shard_count": 5,
                "captions_are_subtitles": False,
            },
            "distribution": {
                "processes_count": processes,
                "thread_count": 4,
                "subjob_size": 1000,
                "distributor": "multiprocessing",
            },
        },
    )


if __name__ == "__main__":
    listing, out, precision, *numbers = sys.argv[1:]
    processes, videos_a_shard, short_side = map(int, numbers)
    main(listing, out, precision=precision, processes=processes, videos_a_shard=videos_a_shard, short_side=short_side)
