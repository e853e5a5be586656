"""The pictures that objectives share show what they say."""

import torch

from densewalk.ssl.objectives.panels import flow_panel, palindrome_panel


def test_a_palindrome_has_a_row_a_clip_and_a_column_an_image() -> None:
    images = [torch.full((2, 3, 8, 10), shade) for shade in (0.0, 0.2, 1.0)]
    images[1][1] = 0.6
    picture = palindrome_panel(images)
    assert picture.shape == (16, 30, 3)
    assert [int(picture[0, column, 0]) for column in (0, 10, 20)] == [0, 51, 255]
    assert [int(picture[8, column, 0]) for column in (0, 10, 20)] == [0, 153, 255]


def test_a_flow_is_that_of_the_first_pair_at_the_size_of_its_image() -> None:
    flow = torch.zeros(2, 2, 4, 4)
    flow[0, 0, :, 2:] = 5.0
    picture = flow_panel(flow.requires_grad_(), torch.rand(1, 3, 200, 200))
    still, moving = picture[100, 5].astype(int), picture[100, 195].astype(int)
    assert picture.shape[0] == 200
    assert still.min() > 240
    assert moving[0] > moving[1] + 30
