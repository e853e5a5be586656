"""The walk: pure functions from the features of frames to a loss, to labels, to positions.

A walker stands on a node of a grid, steps to a node of the next frame with the probability that a transition gives, and
comes back. Nobody labels the steps; the walk is right when it ends at home.

>>> import torch
>>> from densewalk.ssl.walk.coordinates import expected_flow
>>> from densewalk.ssl.walk.labels import identity_labels
>>> from densewalk.ssl.walk.loss import walk_loss
>>> from densewalk.ssl.walk.pair_features import PairFeatures
>>> first = torch.eye(20)[None]                         # 4 x 5 nodes, each unlike all others

A static video: every node finds itself in the next frame, and returns home.

>>> still = PairFeatures(source_BND=first, target_BND=first, grid_hw=(4, 5), temperature=0.01)
>>> home = identity_labels(1, 20)
>>> float(walk_loss(still, still.swapped(), home)) < 1e-6
True

A permutation video: nodes trade places, the walk finds them and still has zero loss; here all move a row down.

>>> second = first.roll(5, dims=1)
>>> moved = PairFeatures(source_BND=first, target_BND=second, grid_hw=(4, 5), temperature=0.01)
>>> float(walk_loss(moved, moved.swapped(), home)) < 1e-6
True
>>> [round(float(y)) for y in expected_flow(moved, stride=4)[0, 1, :, 0]]  # pixels; the last row came round
[4, 4, 4, -12]

A walker without any clue goes anywhere, and its loss is the logarithm of the number of nodes.

>>> blank = PairFeatures(source_BND=0 * first, target_BND=second, grid_hw=(4, 5), temperature=0.01)
>>> round(float(walk_loss(blank, blank.swapped(), home).exp()))
20
"""
