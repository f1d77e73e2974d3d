"""From light to bytes: exposure, white balance, blur, vignetting, fringes, noise and the tone curve
of a camera, drawn per sequence and varied a little per frame. Nothing here moves a pixel of green.
"""

from dataclasses import asdict, dataclass

import cv2
import numpy as np

CEILING = 6.0  # radiance above this is cut before the blur: a highlight has a limited glow
CURVE_STEPS = 4096
NOISE_MARGIN_PX = 64
KERNEL_RADIUS_PX = 3


@dataclass(frozen=True)
class Sensor:
    """How a sequence is photographed. Lengths are shares of the image's height."""

    exposure: float
    exposure_jitter: float  # deviation of the frames' exposure, in log units
    white_balance: tuple[float, float, float]
    saturation: float
    contrast: float  # slope of the encoded curve at its middle
    shoulder: float  # 0 highlights clip, 1 they roll off
    defocus: float  # deviation of the blur
    motion: float  # greatest deviation of a frame's blur along one direction
    read_noise: float
    shot_noise: float
    vignetting: float  # share of the light lost at the circle's edge
    fringe: float  # by which red grows and blue shrinks about the circle's centre

    def describe(self):
        """-> dict for the metadata."""
        return {
            key: np.round(np.asarray(value, float), 5).tolist()
            for key, value in asdict(self).items()
        }


def draw_sensor(rng):
    """Draw the settings of a sequence -> Sensor."""
    warmth, green = rng.normal(0, 0.07), rng.normal(0, 0.025)
    balance = np.array([1 + warmth, 1 + green, 1 - warmth])
    noisy = rng.random() < 0.6
    return Sensor(
        exposure=float(np.exp(rng.normal(0.25, 0.25))),
        exposure_jitter=rng.uniform(0, 0.04),
        white_balance=tuple(balance / balance.mean()),
        saturation=rng.uniform(0.6, 1.25),
        contrast=rng.uniform(0.9, 1.35),
        shoulder=rng.uniform(0, 1),
        defocus=rng.uniform(0.0005, 0.0028),
        motion=rng.choice([0, 0, 0.002, 0.004]),
        read_noise=noisy * rng.uniform(0, 0.008),
        shot_noise=noisy * rng.uniform(0, 0.02),
        vignetting=rng.uniform(0, 0.35),
        fringe=rng.uniform(0, 0.0015),
    )


class Film:
    """Develops images of one size; all arrays that do not change from frame to frame."""

    def __init__(self, offsets):
        """offsets: (H, W, 2), of every pixel from the circle's centre, as shares of its radius."""
        columns = np.flatnonzero(np.abs(offsets[0, :, 0]) <= 1)
        self.columns = slice(columns[0], columns[-1] + 1)  # of the circle: the rest stays black
        offsets = offsets[:, self.columns]
        self.radius = np.hypot(offsets[..., 0], offsets[..., 1]).astype(np.float32)
        self.inside = (self.radius <= 1).astype(np.float32)
        self.mask = (self.inside > 0)[..., None].astype(np.uint8)
        height, width = self.radius.shape
        self.centre_px = np.array(
            [np.interp(0, offsets[0, :, 0], np.arange(width)),
             np.interp(0, offsets[:, 0, 1], np.arange(height))]
        )  # fmt: skip
        size = (height + NOISE_MARGIN_PX, width + NOISE_MARGIN_PX, 3)
        self.noise = np.random.default_rng(0).standard_normal(size, np.float32)

    def load(self, sensor):
        """Take the Sensor with which the next frames are developed."""
        self.sensor = sensor
        fall = 1 - sensor.vignetting * self.radius**4
        self.gain = (self.inside * fall)[..., None] * np.float32(sensor.white_balance)
        light = CEILING * (np.arange(CURVE_STEPS) / (CURVE_STEPS - 1)) ** 2
        self.curve = np.round(255 * tone_curve(light, sensor)).astype(np.uint8)

    def develop(self, radiance, rng):
        """Linear RGB (H, W, 3) float32 -> (H, W, 3) uint8, 0 outside the lens's circle."""
        sensor = self.sensor
        gain = sensor.exposure * np.exp(sensor.exposure_jitter * rng.standard_normal())
        light = radiance[:, self.columns] * (np.float32(gain) * self.gain)
        np.minimum(light, CEILING, out=light)
        if sensor.saturation != 1:
            keep, mix = sensor.saturation, (1 - sensor.saturation) / 3
            light = cv2.transform(light, np.float32(keep * np.eye(3) + mix))
        light = self._fringe(self._blur(light, rng))
        row, column = rng.integers(NOISE_MARGIN_PX, size=2)
        height, width = self.radius.shape
        grain = self.noise[row : row + height, column : column + width]
        if sensor.read_noise or sensor.shot_noise:
            variance = np.maximum(light, 0) * np.float32(sensor.shot_noise**2)
            light += cv2.sqrt(variance + np.float32(sensor.read_noise**2)) * grain
        np.clip(light, 0, CEILING, out=light)
        steps = cv2.sqrt(light * np.float32((CURVE_STEPS - 1) ** 2 / CEILING))
        image = np.zeros_like(radiance, np.uint8)
        encoded = self.curve.take(steps.astype(np.uint16))
        np.multiply(encoded, self.mask, out=image[:, self.columns])
        return image

    def _blur(self, light, rng):
        """Defocus, and the frame's motion in a direction of its own."""
        height = len(light)
        angle, motion = rng.uniform(0, np.pi), rng.uniform(0, 1) * self.sensor.motion
        along = np.array([np.cos(angle), np.sin(angle)])
        spread = (self.sensor.defocus * height) ** 2 * np.eye(2)
        spread += (motion * height) ** 2 * np.outer(along, along)
        steps = np.arange(-KERNEL_RADIUS_PX, KERNEL_RADIUS_PX + 1)
        grid = np.stack(np.meshgrid(steps, steps), -1)
        inverse = np.linalg.inv(spread + 1e-3 * np.eye(2))
        kernel = np.exp(-0.5 * np.einsum("...i,ij,...j", grid, inverse, grid))
        kernel = (kernel / kernel.sum()).astype(np.float32)
        share = np.maximum(cv2.filter2D(self.inside, -1, kernel), 0.05)
        return cv2.filter2D(light, -1, kernel) / share[..., None]

    def _fringe(self, light):
        for channel, sign in ((0, 1), (2, -1)):
            zoom = 1 + sign * self.sensor.fringe
            move = np.float32(np.c_[zoom * np.eye(2), (1 - zoom) * self.centre_px])
            size = light.shape[1::-1]
            light[..., channel] = cv2.warpAffine(
                np.ascontiguousarray(light[..., channel]), move, size,
                flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE,
            )  # fmt: skip
        return light


def tone_curve(light, sensor):
    """Exposed linear light (...) -> encoded 0 to 1: shoulder, sRGB-like gamma, contrast."""
    clipped = np.minimum(light, 1)
    rolled = 1 - np.exp(-1.3 * light)
    encoded = ((1 - sensor.shoulder) * clipped + sensor.shoulder * rolled) ** (1 / 2.2)
    # A cubic through 0, 1/2 and 1 whose slope at 1/2 is the contrast.
    centred = 2 * encoded - 1
    return 0.5 + 0.5 * (sensor.contrast * centred + (1 - sensor.contrast) * centred**3)
