"""The public re-implementation's checkpoints for the tests: made by a recipe that anybody can
follow, with the numbers that its own code computes from them.

Weights: numpy's default_rng over the state dict's floating-point entries, sorted by name; see `fill`.
The networks are listed here by shape, independently of the library's table of names.
"""

import numpy as np
import torch
import torchvision

SEED = 20191

# Heatmaps of `image()`: mean, standard deviation, and channel j at row 3j mod 48, column
# (5j + 7) mod 48.
HEATMAP_MEAN, HEATMAP_STD = 3.029256, 207.5869
HEATMAP_SAMPLES = [
    41.83791, -135.9597, -579.8654, 296.0367, -50.55846,
    -8.507086, 227.917, 305.2424, -86.19946, -387.7797,
    -559.7161, 218.2224, -356.4073, 198.7263, -73.46579,
]  # fmt: skip
# The pose (16, 3) from that image, through both networks.
POSE_FROM_IMAGE = [
    [182.2232, 851.6142, 410.5092],
    [-171.2172, 192.2059, 2340.984],
    [-1841.161, -414.3796, 657.1985],
    [454.6451, -1864.833, 2.841392],
    [360.5873, 545.7128, 2991.055],
    [911.6116, -2330.444, -731.6772],
    [-1139.879, -879.999, -1464.359],
    [-182.1729, -191.1438, -868.9724],
    [54.05633, -299.6782, -172.9171],
    [967.8586, -496.3396, 329.6425],
    [574.876, -584.9877, 1977.778],
    [1357.106, -1253.513, -478.244],
    [2683.93, -169.6733, 427.8234],
    [-650.0334, 943.2162, 179.4345],
    [974.1166, 1631.638, -1174.839],
    [1228.75, -371.8747, 1064.582],
]  # fmt: skip
# The pose and the second branch's heatmaps from `gaussians()`.
POSE_FROM_GAUSSIANS = [
    [0.0793592, 0.6397979, -0.1784203],
    [-0.3061762, -0.05292737, 0.7648388],
    [-0.0003752019, -0.08669372, 0.1805196],
    [0.3542638, -0.2205968, 0.08350667],
    [0.1757842, 0.34168, 0.8438821],
    [0.09270087, -0.3594289, -0.1353599],
    [0.1635582, -0.5254076, -0.7255836],
    [-0.09843753, 0.04920113, -0.3541997],
    [0.2176107, 0.2778679, -0.09542552],
    [0.04868666, -0.01679108, 0.2264952],
    [0.3930631, -0.6723502, 0.8214386],
    [0.643637, -0.09889399, -0.5537755],
    [0.7036154, -0.05705841, 0.2162512],
    [-0.1413497, 0.3729483, 0.01974557],
    [1.450054, 0.678507, -0.243331],
    [0.3843603, -0.6603755, 0.3110106],
]  # fmt: skip
RECONSTRUCTION_STD = 0.1777686
RECONSTRUCTION_SAMPLES = [
    0.01709826, 0.2384601, -0.2970949, 0.05198647, -0.3536306,
    0.1734159, -0.225959, -0.306897, 0.1621366, 0.1666911,
    0.1708555, -0.1146448, -0.03905099, 0.02452589, 0.2640829,
]  # fmt: skip


def samples(maps):
    """Heatmaps (15, 48, 48) -> the fifteen values that are compared."""
    j = torch.arange(15)
    return maps[j, 3 * j % 48, (5 * j + 7) % 48]


def image():
    """uint8 (1, 3, 368, 368) RGB."""
    c, y, x = np.ogrid[:3, :368, :368]
    waves = np.sin(0.031 * x + 0.017 * y * (c + 1) + c + SEED)
    return torch.from_numpy(np.round(127.5 + 127.5 * waves).astype(np.uint8))[None]


def gaussians():
    """Heatmaps float32 (1, 15, 48, 48)."""
    j, y, x = np.ogrid[:15, :48, :48]
    squares = (x - 5 - 2.5 * j) ** 2 + (y - 40 + 2 * j) ** 2
    return torch.from_numpy(np.exp(-squares / 8).astype(np.float32))[None]


def resnet_state_dict():
    """{name: float32 or int64 tensor} of the heatmap network, 32.95 M parameters."""
    with torch.device("meta"):
        shapes = {
            name: tensor.shape
            for name, tensor in torchvision.models.resnet50().state_dict().items()
            if not name.startswith("fc.")
        }
    for deconvolution, norm, channels in ((0, 1, 2048), (3, 4, 256)):
        shapes[f"deconv_layers.{deconvolution}.weight"] = (channels, 256, 4, 4)
        shapes |= _batch_norm(f"deconv_layers.{norm}", 256)
    shapes |= {"final_layer.weight": (15, 256, 1, 1), "final_layer.bias": (15,)}
    return fill(shapes, SEED)


def autoencoder_state_dict():
    """{name: float32 or int64 tensor} of the lifter, 80.03 M parameters."""
    shapes = {}
    for name, shape, outputs in (
        ("conv1", (64, 15, 4, 4), 64), ("conv2", (128, 64, 4, 4), 128),
        ("conv3", (512, 128, 4, 4), 512),
        ("fc1", (2048, 18432), 2048), ("fc2", (512, 2048), 512), ("fc3", (20, 512), 20),
        ("b1_fc1", (32, 20), 32), ("b1_fc2", (32, 32), 32), ("b1_fc3", (48, 32), 48),
        ("b2_fc1", (512, 20), 512), ("b2_fc2", (2048, 512), 2048), ("b2_fc3", (18432, 2048), 18432),
        ("b2_deconv1", (512, 128, 4, 4), 128), ("b2_deconv2", (128, 64, 4, 4), 64),
        ("b2_deconv3", (64, 15, 4, 4), 15),
    ):  # fmt: skip
        shapes |= {f"{name}.weight": shape, f"{name}.bias": (outputs,)}
    for name, channels in (("bn1", 64), ("bn2", 128), ("bn3", 512)):
        shapes |= _batch_norm(name, channels)
    return fill(shapes, SEED + 1)


def _batch_norm(name, channels):
    entries = ("weight", "bias", "running_mean", "running_var")
    return {
        **{f"{name}.{entry}": (channels,) for entry in entries},
        f"{name}.num_batches_tracked": (),
    }


def fill(shapes, seed):
    """{name: shape} -> {name: tensor}, z standard normal: running_var 1 + 0.1 |z|, running_mean
    0.05 z, two or more dimensions z sqrt(2 / fan), other weights 1 + 0.1 z, the rest 0.01 z."""
    rng, tensors = np.random.default_rng(seed), {}
    for name in sorted(shapes):
        shape = tuple(shapes[name])
        if name.endswith("num_batches_tracked"):
            tensors[name] = torch.tensor(0)
            continue
        count = int(np.prod(shape))
        z = rng.standard_normal(count)
        if name.endswith("running_var"):
            z = 1 + 0.1 * np.abs(z)
        elif name.endswith("running_mean"):
            z *= 0.05
        elif len(shape) > 1:
            z *= np.sqrt(2 / (count / shape[1] / 4 if "deconv" in name else count / shape[0]))
        elif name.endswith("weight"):
            z = 1 + 0.1 * z
        else:
            z *= 0.01
        tensors[name] = torch.from_numpy(z.reshape(shape).astype(np.float32))
    return tensors
