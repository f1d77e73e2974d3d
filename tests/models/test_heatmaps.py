import pytest
import torch

from egolib.models.heatmaps import draw_heatmaps, find_peaks


def test_a_heatmap_peaks_at_its_joint():
    # Image pixel 63.5 of 128 is the centre: between cells 7 and 8 of 16.
    joints = torch.tensor([[[63.5, 63.5], [3.5, 11.5]]])
    maps = draw_heatmaps(joints, torch.ones(1, 2, dtype=torch.bool), 128, 16, sigma_px=1.0)
    assert maps.shape == (1, 2, 16, 16)
    centre = maps[0, 0, 7:9, 7:9]
    assert torch.allclose(centre, torch.full((2, 2), torch.exp(torch.tensor(-0.25)).item()))
    # Column first: u = 3.5 is cell 0, v = 11.5 is cell 1.
    assert maps[0, 1, 1, 0] == maps[0, 1].max() == pytest.approx(1)


def test_a_joint_behind_the_lens_plane_has_an_empty_map():
    maps = draw_heatmaps(
        torch.full((1, 1, 2), 30.0), torch.zeros(1, 1, dtype=torch.bool), 64, 8, sigma_px=1.0
    )
    assert maps.abs().max() == 0


def test_peaks_come_back_to_a_fraction_of_a_cell():
    torch.manual_seed(0)
    joints = 10 + 108 * torch.rand(20, 15, 2)
    maps = draw_heatmaps(joints, torch.ones(20, 15, dtype=torch.bool), 128, 16, sigma_px=1.0)
    found, peaks = find_peaks(maps, 128)
    error = (found - joints).norm(dim=-1)  # a cell is 8 px
    assert error.max() < 0.05
    assert peaks.min() > 0.7


def test_peaks_on_the_border_do_not_wrap():
    maps = torch.zeros(1, 2, 8, 8)
    maps[0, 0, 0, 7] = 1.0
    maps[0, 1, 7, 0] = 1.0
    found, _ = find_peaks(maps, 64)
    assert torch.allclose(found[0], torch.tensor([[59.5, 3.5], [3.5, 59.5]]))


def test_an_empty_map_gives_a_pixel_without_confidence():
    found, peaks = find_peaks(torch.zeros(1, 1, 8, 8), 64)
    assert torch.isfinite(found).all()
    assert peaks.item() == 0
