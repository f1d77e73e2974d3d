"""Our model with a look back: what one picture says of each joint, of the last few pictures -> the
pose of the last. It sees no later picture, so that it can run live; the pictures before are not
looked at again, only their tokens.

B batch, T frames of a window, oldest first, D width of what is known of a joint.
"""

import numpy as np
import torch
from torch import nn

from egolib.dataset import NECK
from egolib.models import Lifted
from egolib.raypose import LEAST_SPREAD_M, WIDTH
from egolib.skeleton import JOINTS

# What is known of a joint, its place in the camera frame, and the error that it expects.
TOKEN = WIDTH + 4


def tokens_of(lifted):
    """What our model says of one picture each, a models.Lifted -> tokens (B, 16, WIDTH + 4)."""
    spread_m = lifted.spread_m
    if spread_m is None:
        spread_m = torch.zeros_like(lifted.pose_m[..., 0])
    return torch.cat([lifted.features, lifted.camera_m, spread_m[..., None]], -1)


def window_positions(index, frames):
    """Positions (N, T) of each frame of a FrameIndex and those before it, oldest first.

    Frames of one sequence are neighbours when their numbers are a step of the tree apart, the
    smallest that occurs. Before a sequence's first frame, and after a gap, stands the first again.
    """
    numbers = np.asarray(index.numbers)
    apart = np.diff(numbers, prepend=numbers[:1])
    together = np.zeros(len(index), bool)
    together[1:] = (np.diff(index.folder_ids) == 0) & (np.diff(index.clip_ids) == 0)
    step = apart[together & (apart > 0)].min(initial=np.iinfo(np.int64).max)
    before = np.arange(len(index)) - (together & (apart == step))
    windows = [np.arange(len(index))]
    for _ in range(frames - 1):
        windows.append(before[windows[-1]])
    return np.stack(windows[::-1], 1)


class Windows(torch.utils.data.Dataset):
    """Samples of a FrameIndex, as dicts: tokens float32 (T, 16, WIDTH + 4), from `tokens`
    (N, 16, WIDTH + 4); joints_3d_m, neck_m and position as in dataset.FrameDataset."""

    def __init__(self, index, tokens, frames):
        self.index, self.tokens = index, tokens
        self.windows = window_positions(index, frames)

    def __len__(self):
        return len(self.index)

    def __getitems__(self, positions):
        poses_m = self.index.joints_3d_m[positions]
        batch = {
            "tokens": np.asarray(self.tokens[self.windows[positions]], np.float32),
            "joints_3d_m": poses_m - poses_m[:, NECK, None],
            "neck_m": poses_m[:, NECK],
            "position": np.asarray(positions),
        }
        return {name: torch.from_numpy(values) for name, values in batch.items()}


class WindowPose(nn.Module):
    """Tokens of T pictures -> the pose of the last, as a correction of what it says alone.

    The joints of the last picture are queries that attend to all joints of all T, in `layers` layers
    with `dropout`. `image_net`, our model for one picture, makes the tokens and is not trained here.
    `frames` is T; `uncertainty`: `image_net` says what error it expects, and so does this.
    """

    def __init__(self, image_net, frames, uncertainty=True, layers=2, dropout=0.1):
        super().__init__()
        self.frames, self.uncertainty = frames, uncertainty
        self.image_net = image_net.requires_grad_(False)
        self.start = nn.Linear(TOKEN, WIDTH)
        self.when = nn.Parameter(0.02 * torch.randn(frames, 1, WIDTH))
        self.which = nn.Parameter(0.02 * torch.randn(len(JOINTS), WIDTH))
        layer = nn.TransformerDecoderLayer(
            WIDTH, 4, 2 * WIDTH, dropout, "gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerDecoder(layer, layers)
        self.end = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 4))
        nn.init.zeros_(self.end[1].weight)
        nn.init.zeros_(self.end[1].bias)

    def train(self, mode=True):
        """The network for one picture stays as it is."""
        super().train(mode)
        self.image_net.eval()
        return self

    def lift(self, tokens):
        """tokens (B, T, 16, WIDTH + 4) -> Lifted of the last of the T pictures"""
        hidden = self.start(tokens) + self.when + self.which
        hidden = self.layers(hidden[:, -1], hidden.flatten(1, 2))
        change = self.end(hidden)
        alone_m = tokens[:, -1, :, WIDTH : WIDTH + 3]
        pose_m = alone_m + change[..., :3]
        spread_m = None
        if self.uncertainty:
            # The neck is its own origin: its error is zero, and what it expects would follow to nothing.
            spread_m = (tokens[:, -1, :, -1] * change[..., 3].exp()).clamp(min=LEAST_SPREAD_M)
        return Lifted(pose_m - pose_m[:, NECK, None], camera_m=pose_m, spread_m=spread_m)

    def forward(self, images, earlier=None):
        """images (B, 3, S, S), each the last of its window; earlier: tokens (B, T - 1, 16,
        WIDTH + 4) of the pictures before, or None at the start -> heatmaps, and a Lifted's parts,
        whose `features` are the picture's own tokens, to be kept for the next."""
        heatmaps, *lifted = self.image_net(images)
        now = tokens_of(Lifted(*lifted))[:, None]
        if earlier is None:
            earlier = now.expand(-1, self.frames - 1, -1, -1)
        return heatmaps, *self.lift(torch.cat([earlier, now], 1))._replace(features=now[:, 0])
