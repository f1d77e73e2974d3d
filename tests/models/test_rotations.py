import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from egolib.models.rotations import geodesic_degrees, matrices_from_6d, matrices_from_euler


def test_euler_angles_are_read_as_scipy_reads_them():
    angles = np.random.default_rng(0).uniform(-np.pi, np.pi, (50, 3))
    matrices = matrices_from_euler(torch.tensor(angles))
    assert np.allclose(matrices, Rotation.from_euler("xyz", angles).as_matrix(), atol=1e-12)


def test_any_six_numbers_are_a_rotation_and_a_rotations_columns_are_itself():
    matrices = matrices_from_6d(torch.randn(40, 6, generator=torch.Generator().manual_seed(0)))
    assert torch.allclose(matrices @ matrices.mT, torch.eye(3).expand(40, 3, 3), atol=1e-5)
    assert torch.allclose(torch.linalg.det(matrices), torch.ones(40), atol=1e-5)
    columns = matrices[..., :2].mT.flatten(-2)
    assert torch.allclose(matrices_from_6d(3 * columns), matrices, atol=1e-5)


@pytest.mark.parametrize("degrees", [0.0, 0.01, 1.0, 90.0, 179.0])
def test_the_geodesic_is_the_angle_of_the_turn(degrees):
    axis = np.array([1.0, 2.0, -2.0]) / 3
    start = Rotation.random(5, random_state=0)
    turned = start * Rotation.from_rotvec(np.deg2rad(degrees) * axis)
    pair = (torch.tensor(r.as_matrix(), dtype=torch.float32) for r in (start, turned))
    assert torch.allclose(geodesic_degrees(*pair), torch.tensor(degrees), atol=2e-3)
