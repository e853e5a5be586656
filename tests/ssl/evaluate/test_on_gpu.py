"""What benchmarks are made of, on a GPU: the CPU's results to rounding, and the same bits every time."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from densewalk.datasets.scenes.config import SceneConfig
from densewalk.ssl.encoders.resnet import ResNet, ResNetConfig
from densewalk.ssl.evaluate.flow import predict_flow
from densewalk.ssl.evaluate.scenes_segmentation import SceneImages
from densewalk.ssl.matchers.cosine import CosineMatcher
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.probe.augmented import ResizedCropConfig
from densewalk.ssl.probe.clusters import lloyd
from densewalk.ssl.probe.depth import LinearDepthConfig, LinearDepthFit
from densewalk.ssl.probe.features import image_features
from densewalk.ssl.probe.image_classes import fit_linear_classes, ranked, votes
from densewalk.ssl.probe.linear import LinearHead
from densewalk.ssl.probe.neighbours import Metric, Neighbours
from densewalk.ssl.probe.node_store import NodeStore
from densewalk.ssl.probe.optimum import OptimumConfig, fit_to_optimum
from densewalk.ssl.probe.patch_memory import PatchMemory
from densewalk.ssl.probe.principal_axes import VectorSums
from densewalk.ssl.probe.stepwise import StepwiseConfig, fit_in_steps
from densewalk.ssl.propagate.config import PropagationConfig
from densewalk.ssl.propagate.matches import Neighbourhood, strongest_matches
from densewalk.ssl.propagate.propagate import propagate_labels, propagate_maps

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)


@pytest.fixture(autouse=True)
def exact_convolutions() -> Iterator[None]:
    """As `evaluate` measures."""
    with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
        yield


class _FollowedByFlow(CosineMatcher):
    offers = frozenset(("displacement",))


def _matcher(device: torch.device, kind: type[CosineMatcher] = CosineMatcher) -> Matcher:
    torch.manual_seed(0)
    return kind(ResNet(ResNetConfig(stages=2))).to(device).eval()


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _video(num_frames: int = 4) -> np.ndarray:
    """Patches of 6 x 6 pixels that slide to the right; sides that no stride divides."""
    patches = np.random.default_rng(0).integers(0, 256, (12, 16, 3)).astype(np.uint8)
    world = patches.repeat(6, axis=0).repeat(6, axis=1)
    return np.stack([np.roll(world, 2 * t, axis=1)[:70] for t in range(num_frames)])


def _mask() -> np.ndarray:
    mask = np.zeros((70, 96), np.uint8)
    mask[20:50, 20:60], mask[5:15, 5:15] = 3, 1
    return mask


def _images(count: int, *, first: int = 0) -> SceneImages:
    return SceneImages(SceneConfig(height=64, width=64, num_frames=1), count=count, first=first)


def _close(make: Callable[[torch.device], Tensor], *, atol: float) -> None:
    """Make the same on both devices, and twice on the GPU."""
    on_gpu = make(GPU).cpu()
    assert torch.equal(make(GPU).cpu(), on_gpu), "two runs on the GPU differ"
    torch.testing.assert_close(on_gpu, make(CPU), rtol=0, atol=atol)


@pytest.mark.parametrize("size_hw", [None, (64, 96), (50, 77)])
def test_features_of_an_image_are_the_same_on_a_gpu(size_hw: tuple[int, int] | None) -> None:
    _close(lambda device: image_features(_matcher(device), _video(1)[0], size_hw), atol=1e-3)


def test_flow_is_the_same_on_a_gpu() -> None:
    first, second = _video(2)
    _close(lambda device: torch.from_numpy(predict_flow(_matcher(device), first, second, upsample=2)), atol=0.02)


@pytest.mark.parametrize("near", [Neighbourhood(radius=None), Neighbourhood(radius=3, shape="disk")])
def test_strongest_matches_are_the_same_on_a_gpu(near: Neighbourhood) -> None:
    source, target = _random(20, 30, 16), _random(5, 20, 30, 16, seed=1)
    found = {
        device: strongest_matches(source.to(device), target.to(device), top_k=7, near=near, log_sum_at=0.1)
        for device in (CPU, GPU)
    }
    assert torch.equal(found[GPU].node_NK.cpu(), found[CPU].node_NK)
    torch.testing.assert_close(found[GPU].log_sum_N.cpu(), found[CPU].log_sum_N, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize(
    "config",
    [
        PropagationConfig(radius=3),
        PropagationConfig(context=3, first_copies=3, shape="disk", radius=3, first_within_radius=False, top_k=10),
        PropagationConfig(mixing="per-frame", radius=None, features="raw", temperature=1.0, stretch=True),
        PropagationConfig(size_hw=(64, 96), first_labels="nearest", decode_at="network"),
    ],
    ids=["small", "crw", "uvc", "network"],
)
def test_propagated_masks_are_the_same_on_a_gpu(config: PropagationConfig) -> None:
    late = np.zeros_like(_mask())
    late[58:68, 70:90] = 9
    on_cpu, on_gpu = (
        propagate_labels(_matcher(device), _video(), _mask(), config, arrivals={2: late}) for device in (CPU, GPU)
    )
    assert {0, 3} <= set(np.unique(on_cpu[-1]))
    assert (on_cpu != on_gpu).mean() < 1e-4, "more than the borders that rounding moves"


def test_labels_along_the_flow_are_the_same_on_a_gpu() -> None:
    first = _random(2, 9, 12).softmax(0)

    def last(device: torch.device) -> Tensor:
        return list(propagate_maps(_matcher(device, _FollowedByFlow), _video(), first, PropagationConfig()))[-1]

    _close(last, atol=1e-2)


@pytest.mark.parametrize("metric", ["product", "distance"])
def test_neighbours_are_the_same_on_a_gpu_also_where_they_tie(metric: Metric) -> None:
    memory, query = _random(3000, 24), _random(200, 24, seed=1)
    memory[100:400], query[:50] = memory[7], memory[:50]

    def indices(device: torch.device) -> Tensor:
        return Neighbours(memory.to(device), metric=metric, backend="torch").nearest(query.to(device), 30).index_QK

    _close(indices, atol=0)


def test_no_query_has_no_neighbours_on_a_gpu() -> None:
    memory = torch.eye(3, device=GPU)
    assert Neighbours(memory).nearest(memory[:0], 2).index_QK.shape == (0, 2)


def test_clusters_from_the_same_centres_are_the_same_on_a_gpu() -> None:
    point = _random(20_000, 16)
    point[:5000] += 3

    def centres(device: torch.device) -> Tensor:
        return lloyd(point.to(device), point[-40:].to(device), iterations=12, backend="torch").centre_KD

    _close(centres, atol=1e-5)
    clusters = lloyd(point, point[-40:], iterations=3, backend="torch")
    _close(
        lambda device: type(clusters)(centre_KD=clusters.centre_KD.to(device), objective=0.0, backend="torch").assign(
            point.to(device)
        ),
        atol=0,
    )


def test_votes_are_the_same_bits_on_a_gpu_and_rank_classes_alike() -> None:
    train, query = (torch.nn.functional.normalize(_random(n, 8, seed=n), dim=1) for n in (2000, 300))
    class_N = torch.arange(2000) % 5

    def rank(device: torch.device) -> Tensor:
        near = Neighbours(train.to(device), backend="torch").nearest(query.to(device), 200)
        return ranked(votes(near, class_N.to(device), count=200, num_classes=5, temperature=0.07))

    _close(rank, atol=0)


def test_classes_of_images_at_the_optimum_are_the_same_on_a_gpu() -> None:
    feature, class_N = _random(200, 12), torch.arange(200) % 4

    def logits(device: torch.device) -> Tensor:
        where = {"num_classes": 4, "config": OptimumConfig()}
        return fit_linear_classes(feature.to(device), class_N.to(device), **where).logits(feature.to(device)).float()

    _close(logits, atol=1e-3)


def test_a_memory_of_patches_is_read_the_same_on_a_gpu() -> None:
    memory, share = torch.nn.functional.normalize(_random(4000, 24), dim=1), _random(4000, 6, seed=1).softmax(1)

    def read(device: torch.device) -> Tensor:
        places = {"source_M": torch.zeros(4000, dtype=torch.long), "place_M2": torch.zeros(4000, 2)}
        patches = PatchMemory(memory.to(device), share, backend="torch", **places)
        return patches.read(_random(24, 20, 30, seed=2).to(device), count=30, temperature=0.02)

    _close(read, atol=1e-4)


def test_a_head_at_the_optimum_is_the_same_on_a_gpu() -> None:
    seen: dict[torch.device, Tensor] = {}
    shown = image_features(_matcher(CPU), _images(1, first=6)[0].image_HWC)
    with NodeStore(num_classes=len(SceneImages.classes)) as store:
        for item in map(_images(6).__getitem__, range(6)):
            store.add(image_features(_matcher(CPU), item.image_HWC), item.label_HW)
        for device in (CPU, GPU):
            head = fit_to_optimum(store, OptimumConfig(weight_decay=1e-2), device=device)
            seen[device] = head.logits(shown.to(device)).cpu()
    torch.testing.assert_close(seen[GPU], seen[CPU], rtol=0, atol=1e-3)
    assert (seen[GPU].argmax(0) == seen[CPU].argmax(0)).double().mean() > 0.999


def test_a_head_fitted_in_steps_is_the_same_on_a_gpu_to_rounding() -> None:
    config = StepwiseConfig(
        view=ResizedCropConfig(crop=48), batch_size=3, length=4, unit="steps", loss_side=20, drop_at=(2,)
    )

    def head(device: torch.device) -> LinearHead:
        return fit_in_steps(_matcher(device), _images(6), config)

    on_cpu, on_gpu = (head(device).classify.weight.cpu() for device in (CPU, GPU))
    torch.testing.assert_close(on_gpu, on_cpu, rtol=0, atol=1e-4)


def test_depth_by_regression_is_the_same_on_a_gpu() -> None:
    depth_HW = _random(70, 96).abs() + 1

    def predicted(device: torch.device) -> Tensor:
        *seen, shown = (image_features(_matcher(CPU), frame).to(device) for frame in _video(4))
        fit = LinearDepthFit(LinearDepthConfig(every_px=2))
        for feature_DHW in seen:
            fit.add(feature_DHW, depth_HW, depth_HW > 1.2)
        return fit.solve().predict(shown, (70, 96))

    _close(predicted, atol=1e-3)


def test_features_along_principal_axes_are_the_same_on_a_gpu() -> None:
    vectors = _random(500, 12) * torch.arange(1, 13)

    def reduced(device: torch.device) -> Tensor:
        sums = VectorSums(axes_vectors=400)
        for some in vectors.to(device).split(150):
            sums.add(some)
        return sums.axes(4).reduce(vectors.T[:, :, None].to(device))

    _close(reduced, atol=1e-4)
