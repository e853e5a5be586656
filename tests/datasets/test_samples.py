from densewalk.datasets.dataset import Dataset
from densewalk.datasets.old_clips import ClipSource
from densewalk.datasets.old_mixture import Mixture
from densewalk.datasets.old_samples import SampleSource
from densewalk.datasets.plan import PalindromePlan


def test_clips_and_mixtures_are_sample_sources(shared_dataset: Dataset) -> None:
    clips = ClipSource(shared_dataset, PalindromePlan(size=16))
    assert isinstance(clips, SampleSource)
    assert isinstance(Mixture([(1.0, clips)]), SampleSource)


def test_something_that_only_iterates_is_no_sample_source() -> None:
    assert not isinstance([1, 2], SampleSource)


def test_a_sample_is_a_batch_of_one(shared_dataset: Dataset) -> None:
    batch = ClipSource(shared_dataset, PalindromePlan(size=16)).sample(0)
    assert len(batch) == 1
    assert all(len(view.video_BTCHW) == len(view.frame_BT) == 1 for view in batch.views)
