"""One run of the study: its profile, seed and data, and the folder of its results.

The notebooks and `egolib train` open a Study first. It knows the names of the folders below
`results/<profile>/`; other modules do the work.
"""

import contextlib
import functools
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import torch
from filelock import FileLock, Timeout

from egolib.config import (
    DEFAULT_PROFILE,
    PROFILES,
    Method,
    Profile,
    Stage,
    load_profile,
    read_overrides,
)
from egolib.data.exclusions import AUDIT_FOLDER, excluded_path
from egolib.data.index import FrameIndex
from egolib.data.miniature import DESCRIPTION_FILE, render_miniature
from egolib.data.shards import PACK_FILE, open_frames
from egolib.evaluation.detections import Detections, detect
from egolib.evaluation.inference import predict_split
from egolib.evaluation.predictions import Predictions
from egolib.experiments.results_folder import is_owned_by, reserve
from egolib.foundation.errors import EgolibError
from egolib.foundation.files import no_space_is_one_line
from egolib.foundation.provenance import without_effect
from egolib.models.checkpoints import join_networks, load_network
from egolib.training.fit import started_processes
from egolib.training.train import train_stage

REPOSITORY = Path(__file__).resolve().parents[2]
# Runs with different seeds train on the same miniature, so that they can be compared.
DATA_SEED = 0


@dataclass(frozen=True)
class Study:
    """One run, opened with `open_study`.

    Attributes:
        profile_argument: the name of the profile, or the path of its file, for opening this run
            again.
        overrides: the settings that this run changes, as in `load_profile`.
        tree: the folder of the data, either a tree of frames or a pack.
        results: the folder of this run.
        renders: whether the data is the embedded miniature.
        source: the tree to pack into `tree`, or None if there is nothing to pack.
        shared: the results folder of a heatmap network that this run shares with other runs, or
            None if it trains its own.
    """

    profile: Profile
    profile_argument: str
    seed: int
    tree: Path
    results: Path
    renders: bool
    source: Path | None = None
    shared: Path | None = None
    overrides: dict = field(default_factory=dict)

    @property
    def figures(self) -> Path:
        return self.results / "figures"

    @property
    def tables(self) -> Path:
        return self.results / "tables"

    @property
    def identity(self) -> dict:
        """What distinguishes this run from others, for results_folder.reserve."""
        return {"profile": self.profile.name, "data": self.data_identity, "seed": self.seed}

    @property
    def data_identity(self) -> str:
        """A name for the data. For the miniature it does not depend on where the repository is."""
        return f"the miniature in data/{self.tree.name}" if self.renders else str(self.tree)

    @property
    def data_name(self) -> str:
        """The name of the data in tables: "the miniature", or the name of the given folder."""
        return "the miniature" if (self.tree / DESCRIPTION_FILE).is_file() else self.tree.name

    def prepare_data(self) -> None:
        """Render the missing parts of the miniature; do nothing if the user gave a data folder."""
        if self.renders:
            render_miniature(self.tree, self.profile.render, DATA_SEED)

    def audit(self):
        """Look for defects in the data and write the list of frames to leave out from now on.

        If the user gave the data, this also looks for drift between labels and images, with the
        heatmap network that was trained on the miniature. Returns the Audit (egolib.audit). For a
        pack, it returns the Audit of the tree from which the pack was made, or None if there was
        none.
        """
        from egolib.audit import audit_tree, load_audit  # slow to import

        tree = self.source or self.tree
        if (tree / PACK_FILE).is_file():
            return load_audit(tree / AUDIT_FOLDER)
        small = self.profile.heatmaps.image_px <= PROFILES["smoke"].heatmaps.image_px
        network = functools.partial(miniature_network, "smoke" if small else "quick")
        return audit_tree(tree, network=None if self.renders else network)

    def cautions(self) -> list[str]:
        """Warnings, as sentences, to print before training. Missing data is not reported here."""
        cautions, is_pack = [], (self.tree / PACK_FILE).is_file()
        is_given_tree = self.tree.is_dir() and not self.renders and not is_pack
        if is_given_tree and not excluded_path(self.tree).is_file():
            cautions.append(
                f"{self.tree}: not audited, so no frame is left out; see `egolib audit`"
            )
        if self.profile.compiled and not torch.cuda.is_available():
            cautions.append(f"PyTorch finds no GPU: the profile {self.profile.name} trains on CPUs")
        return cautions

    def index(self, split: str) -> FrameIndex:
        """The FrameIndex of "train", "val" or "test"."""
        return open_frames(self.tree, split)

    def train(
        self, stage: str, resume: bool = True, devices: int | str = 1, nodes: int = 1
    ) -> Path:
        """Train a Stage, unless it is already trained -> path of its checkpoint."""
        indices = (self.index("train"), self.index("val"))
        detected = None
        if stage == Stage.LIFTER and self.profile.lifter.trained_on == "detected":
            detected = [self.detections("train"), self.detections("val")]
        with self._stage_lock(stage):
            return train_stage(
                stage, self.profile, *indices, self.checkpoint(stage).parent, self.seed, resume,
                devices, nodes, self.checkpoint(Stage.HEATMAPS), detected,
            )  # fmt: skip

    @contextlib.contextmanager
    def _stage_lock(self, stage):
        """Hold the lock of a stage, so that only one training of it runs at a time. A second
        training, for example from a notebook while a SLURM job runs, waits and then finds the stage
        already trained.

        All processes of one training share the lock. If torchrun or srun started several processes,
        only the first of them would wait; in that case this raises EgolibError instead.
        """
        from lightning.fabric.utilities.rank_zero import rank_zero_only  # knows torchrun and srun

        if rank_zero_only.rank != 0:
            yield
            return
        folder = self.folder_of(stage)
        with no_space_is_one_line(folder):
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / f"{stage}.lock")
            try:
                held = lock.acquire(blocking=False)
            except Timeout as error:
                message = f"{stage} is being trained into {folder} already"
                if started_processes() > 1:
                    raise EgolibError(f"{message}; start this again when that is done") from error
                print(f"{message}: waiting", flush=True)
                held = lock.acquire()
        with held:
            yield

    def folder_of(self, stage: str) -> Path:
        """Results folder of a stage: `shared` for a shared heatmap network, otherwise `results`."""
        return self.shared if stage == Stage.HEATMAPS and self.shared else self.results

    def checkpoint(self, stage: str) -> Path:
        """Path of the checkpoint of a stage."""
        return self.folder_of(stage) / "checkpoints" / f"{stage}.safetensors"

    def detections(self, split: str) -> Detections:
        """The heatmaps that the heatmap network predicts for a split. They are computed once and
        cached on disk."""
        network, spec, _ = load_network(self.checkpoint(Stage.HEATMAPS), [Stage.HEATMAPS])
        folder = self.folder_of(Stage.HEATMAPS) / "detections"
        return detect(network, spec, self.index(split), folder, self.profile.workers)

    def history(self, stage: str) -> pd.DataFrame:
        """The training curve of a stage, one row per epoch. Raises EgolibError before training."""
        path = self.checkpoint(stage).parent / "runs" / stage / "history.csv"
        if not path.is_file():
            raise EgolibError(f"{path}: the stage {stage} is not trained yet; run its notebook")
        return pd.read_csv(path)

    @property
    def methods(self) -> tuple[Method, ...]:
        """The methods of this run: its lifter on true heatmaps and on detected ones, the end-to-end
        network, the ray model."""
        return Method.ORACLE, self.lifter_method, Method.END_TO_END, Method.RAY_MODEL

    @property
    def lifter_method(self) -> Method:
        """The method of this run's lifter on detected heatmaps."""
        return Method(self.profile.lifter.method)

    def evaluate(self, method: str) -> Predictions:
        """Predict the test split with one of `methods`, and save the Predictions below
        results/predictions. Raises EgolibError for a method that this run does not train."""
        if method not in self.methods:
            raise EgolibError(
                f"{method}: not a method of this run; known: {', '.join(self.methods)}"
            )
        is_lifter, heatmaps = method in (Method.ORACLE, self.lifter_method), None
        stage = Stage.LIFTER if is_lifter else Stage(method)
        network, spec, _ = load_network(self.checkpoint(stage), [stage])
        if method == self.lifter_method and self.profile.lifter.trained_on == "detected":
            heatmaps = self.detections("test").found
        elif method == self.lifter_method:
            first = load_network(self.checkpoint(Stage.HEATMAPS), [Stage.HEATMAPS])[:2]
            network, spec = join_networks(*first, network, spec)
        index, workers = self.index("test"), self.profile.workers
        predictions = predict_split(network, spec, index, workers, detected=heatmaps)
        predictions.save(self.predictions_path(method))
        return predictions

    def predictions(self, method: str) -> Predictions:
        """The Predictions that `evaluate` saved. Raises EgolibError when there are none."""
        return Predictions.load(self.predictions_path(method))

    def models(self) -> dict[str, Predictions]:
        """All saved Predictions by name, those of `methods` first. They share the arrays that
        describe the frames, which saves memory."""
        saved = {path.stem for path in self.predictions_path("any").parent.glob("*.npz")}
        models = {}
        for name in dict.fromkeys([*(m for m in self.methods if m in saved), *sorted(saved)]):
            predictions = self.predictions(name)
            first = next(iter(models.values()), None)
            models[name] = predictions.sharing(first) if first else predictions
        return models

    def predictions_path(self, method: str) -> Path:
        """The file in which `evaluate` saves Predictions."""
        return self.results / "predictions" / f"{method}.npz"


def folders_of(profile: Profile, data: str, results: str, name: str) -> dict:
    """The data folder and the results folder of a run or sweep with this `name`, as a dict of
    fields of Study or Sweep: "tree", "results" and "renders". Raises EgolibError when the profile
    requires a data folder and none is given."""
    if not data and not profile.embedded:
        raise EgolibError(f"the profile {profile.name} needs the official data; give --data DIR")
    return {
        "tree": Path(data).resolve() if data else default_tree(profile),
        "results": Path(results).resolve() if results else REPOSITORY / "results" / name,
        "renders": not data,
    }


def default_tree(profile: Profile) -> Path:
    """The folder of a profile's miniature. Profiles with the same render settings share it."""
    known = [other.name for other in PROFILES.values() if other.render == profile.render]
    return REPOSITORY / "data" / (known[0] if known else profile.name)


@without_effect
def miniature_network(profile: str = DEFAULT_PROFILE) -> Path:
    """Path of the heatmap network that an embedded `profile` trains on its miniature.

    This is the network in results/<profile>, if a run trained one there. Otherwise it is the
    network in results/audit_network_<profile>, which is trained first if it is missing.
    """
    usual = _unreserved_study(profile)
    if is_owned_by(usual.results, usual.identity) and usual.checkpoint(Stage.HEATMAPS).is_file():
        return usual.checkpoint(Stage.HEATMAPS)
    study = open_study(profile, results=REPOSITORY / "results" / f"audit_network_{profile}")
    checkpoint = study.checkpoint(Stage.HEATMAPS)
    if not checkpoint.is_file():
        print(f"{checkpoint} does not exist yet and is trained on the miniature first; for "
              f"{DEFAULT_PROFILE} this takes 10 to 40 min on 2 cores", flush=True)  # fmt: skip
        study.prepare_data()
        study.train(Stage.HEATMAPS)
    return checkpoint


def open_study(
    profile: str = DEFAULT_PROFILE, seed: int = 0, data: str = "", results: str = "", pack: str = "",
    overrides: dict | str = "",
) -> Study:  # fmt: skip
    """Open a run by the parameters of every notebook and of `run_all.sh`.

    Args:
        profile: the name of a preset, or a .toml file.
        data: a tree or a pack; empty for the embedded miniature (`default_tree`).
        results: the folder of the run; empty for results/<profile>.
        pack: a folder into which the tree `data` is packed; training then reads the pack.
        overrides: settings to change, as {"lifter": {"latent_size": 50}} or in JSON. Such a run has a
            results folder of its own.

    Raises:
        EgolibError: for an unknown profile or setting, for a profile that requires a data folder when
            none is given, and for a results folder of a run with another profile, other settings,
            other data or another seed.
    """
    study = _unreserved_study(profile, seed, data, results, pack, overrides)
    reserve(study.results, study.identity)
    return study


def _unreserved_study(profile, seed=0, data="", results="", pack="", overrides=""):
    """The Study that `open_study` returns, without reserving its results folder."""
    overrides = read_overrides(overrides)
    loaded = load_profile(profile, overrides)
    if pack and not data:
        raise EgolibError(f"{pack}: nothing to pack; name the tree with --data DIR")
    return Study(
        profile=loaded,
        profile_argument=profile if profile in PROFILES else str(Path(profile).resolve()),
        seed=seed,
        source=Path(data).resolve() if pack else None,
        overrides=overrides,
        **folders_of(loaded, pack or data, results, loaded.name),
    )
