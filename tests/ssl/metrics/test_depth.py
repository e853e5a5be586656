"""Scores of depth: DINOv3's numbers on the same random images, and what each score means."""

import numpy as np
import pytest

from densewalk.ssl.metrics.depth import depth_sums, mean_over_images, over_pixels


def random_images() -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Predicted and true depth and valid pixels of three images, the same in every process."""
    rng = np.random.default_rng(5)
    images = []
    for size_hw in ((30, 40), (20, 25), (48, 16)):
        true = rng.uniform(0.3, 10, size_hw).astype(np.float32)
        predicted = (true * np.exp(rng.normal(0.05, 0.25, size_hw))).clip(0.001, 10).astype(np.float32)
        images.append((predicted, true, rng.random(size_hw) < 0.7))
    return images


def test_scores_are_those_of_dinov3() -> None:
    # calculate_depth_metrics of facebookresearch/dinov3 in float64, mean over these images
    assert mean_over_images([depth_sums(*image) for image in random_images()]) == pytest.approx(
        {
            "RMSE": 1.2305502345462074,
            "AbsRel": 0.1964288565587524,
            "SqRel": 0.2742600247963145,
            "RMSE_log": 0.23736566098554693,
            "log10": 0.08151019320475188,
            "SILog": 23.456390333530987,
            "delta1": 66.35517080624899,
            "delta2": 93.78586014111837,
            "delta3": 99.72406625747681,
        },
        rel=1e-6,
    )


def test_over_pixels_is_the_score_of_all_pixels_side_by_side() -> None:
    images = random_images()
    joined = [np.concatenate([part[index][part[2]] for part in images])[None] for index in (0, 1)]
    together = depth_sums(*joined, np.ones_like(joined[0], bool)).scores()
    assert over_pixels([depth_sums(*image) for image in images]) == pytest.approx(together, rel=1e-12)


def test_the_truth_has_no_error_and_a_constant_factor_no_scale_free_one() -> None:
    _, true, valid = random_images()[0]
    perfect = depth_sums(true, true, valid).scores()
    assert {name: perfect[name] for name in ("delta1", "delta2", "delta3")} == dict.fromkeys(
        ("delta1", "delta2", "delta3"), 100.0
    )
    assert all(value == 0 for name, value in perfect.items() if not name.startswith("delta"))
    doubled = depth_sums(2 * true, true, valid).scores()
    assert doubled["SILog"] == pytest.approx(0, abs=1e-5)
    assert doubled["AbsRel"] == pytest.approx(1)
    assert doubled["log10"] == pytest.approx(np.log10(2))
    assert (doubled["delta1"], doubled["delta3"]) == (0, 0)


def test_pixels_that_are_not_valid_count_nowhere() -> None:
    predicted, true, valid = random_images()[0]
    spoiled = np.where(valid, true, np.float32(0))
    assert depth_sums(predicted, spoiled, valid).scores() == depth_sums(predicted, true, valid).scores()


def test_an_image_without_a_valid_pixel_is_left_out_and_none_at_all_gives_nothing() -> None:
    predicted, true, valid = random_images()[0]
    some, none = depth_sums(predicted, true, valid), depth_sums(predicted, true, valid & False)
    assert mean_over_images([none, some]) == some.scores()
    assert over_pixels([none, some]) == some.scores()
    assert mean_over_images([none]) == over_pixels([none]) == over_pixels([]) == {}
