"""One run of the study: which profile, seed and data, and where its results lie.

The notebooks open a Study in their first cell; so does `egolib train`. It owns the folder
names below `results/<profile>/` and nothing else: the work is done by the modules it calls.
"""

import contextlib
import functools
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from filelock import FileLock, Timeout

from egolib.config import DEFAULT_PROFILE, PROFILES, Method, Profile, Stage, load_profile
from egolib.data.exclusions import AUDIT_FOLDER, excluded_path
from egolib.data.miniature import DESCRIPTION_FILE, render_miniature
from egolib.data.shards import PACK_FILE, open_frames
from egolib.evaluation.detections import detect
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
    """Open one with `open_study`. `tree` is the data (a tree or a pack), `results` the folder of
    this run, `profile_argument` what opens the same profile again: its name, or its file.
    `renders`: the data is the embedded miniature. `source`: the tree to pack into `tree`, or None.
    `shared`: the results of the run whose heatmap network this one uses, where it has none of its
    own."""

    profile: Profile
    profile_argument: str
    seed: int
    tree: Path
    results: Path
    renders: bool
    source: Path | None = None
    shared: Path | None = None

    @property
    def checkpoints(self):
        return self.results / "checkpoints"

    @property
    def figures(self):
        return self.results / "figures"

    @property
    def tables(self):
        return self.results / "tables"

    @property
    def identity(self):
        """Whose results these are, for results_folder.reserve."""
        return {"profile": self.profile.name, "data": self.data_identity, "seed": self.seed}

    @property
    def data_identity(self):
        """Which tree this is; a clone, and the miniature in it, may be moved."""
        return f"the miniature in data/{self.tree.name}" if self.renders else str(self.tree)

    @property
    def data_name(self):
        """The name of the data in tables: "the miniature", or the folder that was given."""
        return "the miniature" if (self.tree / DESCRIPTION_FILE).is_file() else self.tree.name

    def prepare_data(self):
        """Render what is missing of the miniature; nothing to do for a tree that was given."""
        if self.renders:
            render_miniature(self.tree, self.profile.render, DATA_SEED)

    def audit(self):
        """Look for defects in the data -> egolib.audit's Audit, whose exclusion list applies from
        then on. A pack has the audit of the tree that it was made from, or None.

        Data that was given, not rendered, is also searched for drift between labels and images, with
        the miniature's heatmap network.
        """
        from egolib.audit import audit_tree, load_audit  # slow to import

        tree = self.source or self.tree
        if (tree / PACK_FILE).is_file():
            return load_audit(tree / AUDIT_FOLDER)
        small = self.profile.heatmaps.image_px <= PROFILES["smoke"].heatmaps.image_px
        network = functools.partial(miniature_network, "smoke" if small else "quick")
        return audit_tree(tree, network=None if self.renders else network)

    def cautions(self):
        """Warnings for training without the notebooks, as sentences; none about data that is missing."""
        cautions, packed = [], (self.tree / PACK_FILE).is_file()
        given = self.tree.is_dir() and not self.renders and not packed
        if given and not excluded_path(self.tree).is_file():
            cautions.append(
                f"{self.tree}: not audited, so no frame is left out; see `egolib audit`"
            )
        if self.profile.compiled and not torch.cuda.is_available():
            cautions.append(f"PyTorch finds no GPU: the profile {self.profile.name} trains on CPUs")
        return cautions

    def pack(self):
        """Pack `source` into `tree` at the size of the profile's images; what is packed already stays."""
        from egolib.data.packing import pack_tree

        pack_tree(self.source, self.tree, px=self.profile.heatmaps.image_px)

    def index(self, split):
        """FrameIndex of "train", "val" or "test"."""
        return open_frames(self.tree, split)

    def train(self, stage, resume=True, devices=1, nodes=1):
        """Train a Stage (or find it done) -> path of its checkpoint."""
        indices = (self.index("train"), self.index("val"))
        detected = None
        if stage == "lifter" and self.profile.lifter.trained_on == "detected":
            detected = [self.detections("train"), self.detections("val")]
        with self._alone_at(stage):
            return train_stage(
                stage, self.profile, *indices, self.checkpoints, self.seed, resume, devices, nodes,
                self.checkpoint("heatmaps"), detected,
            )  # fmt: skip

    @contextlib.contextmanager
    def _alone_at(self, stage):
        """Let one training of a stage of this run go on at a time: a second, such as a notebook beside a
        job on the cluster, waits and then finds the stage done. The processes of one training count as
        one. Raises EgolibError instead of waiting where torchrun or srun started several processes,
        because those other than the first would not wait."""
        from lightning.fabric.utilities.rank_zero import rank_zero_only  # knows torchrun and srun

        if rank_zero_only.rank != 0:
            yield
            return
        path = self.results / f"{stage}.lock"
        with no_space_is_one_line(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                held = FileLock(path).acquire(blocking=False)
            except Timeout as error:
                taken = f"{stage} is being trained into {self.results} already"
                if started_processes() > 1:
                    raise EgolibError(f"{taken}; start this again when that is done") from error
                print(f"{taken}: waiting", flush=True)
                held = FileLock(path).acquire()
        with held:
            yield

    def checkpoint(self, stage):
        """Path of a stage's checkpoint."""
        results = self.shared if stage == "heatmaps" and self.shared else self.results
        return results / "checkpoints" / f"{stage}.safetensors"

    def detections(self, split):
        """The heatmaps that the network predicts for a split -> detections.Detections, kept on disk."""
        network, spec, _ = load_network(self.checkpoint("heatmaps"), ["heatmaps"])
        folder = (self.shared or self.results) / "detections"
        return detect(network, spec, self.index(split), folder, self.profile.workers)

    def history(self, stage):
        """The training curve of a stage, one row an epoch. Raises EgolibError before training."""
        path = self.checkpoints / "runs" / stage / "history.csv"
        if not path.is_file():
            raise EgolibError(f"{path}: the stage {stage} is not trained yet; run its notebook")
        return pd.read_csv(path)

    @property
    def methods(self):
        """The methods of this run: its lifter on true heatmaps and on detected ones, the end-to-end
        network, the ray model."""
        return Method.ORACLE, self.lifter_method, Method.END_TO_END, Method.RAY_MODEL

    @property
    def lifter_method(self):
        """The method of this run's lifter on detected heatmaps."""
        return Method(self.profile.lifter.method)

    def network(self, method):
        """The network of one of `methods` -> (network, NetworkSpec)."""
        if method in (Method.END_TO_END, Method.RAY_MODEL):
            return load_network(self.checkpoint(method), [method])[:2]
        lifter, lifter_spec, _ = load_network(self.checkpoint(Stage.LIFTER), [Stage.LIFTER])
        if method == Method.ORACLE:
            return lifter, lifter_spec
        network, spec, _ = load_network(self.checkpoint(Stage.HEATMAPS), [Stage.HEATMAPS])
        return join_networks(network, spec, lifter, lifter_spec)

    def evaluate(self, method):
        """Predict the test split with one of `methods`, keep the outcome below results/predictions ->
        Predictions. Raises EgolibError for a method that this run does not train."""
        if method not in self.methods:
            raise EgolibError(f"{method}: not of this run, which has {', '.join(self.methods)}")
        is_lifter = method == self.lifter_method
        on_detected = is_lifter and self.profile.lifter.trained_on == "detected"
        network, spec = self.network(Method.ORACLE if on_detected else method)
        detected = self.detections("test").found if on_detected else None
        index, workers = self.index("test"), self.profile.workers
        predictions = predict_split(network, spec, index, workers, detected=detected)
        predictions.save(self.predictions_path(method))
        return predictions

    def predictions(self, method):
        """What `evaluate` kept. Raises EgolibError when it did not run."""
        return Predictions.load(self.predictions_path(method))

    def models(self):
        """{name: Predictions} of all that are kept; arrays about the frames are shared in memory."""
        models = {}
        for name in self.evaluated:
            found = self.predictions(name)
            models[name] = found.sharing(next(iter(models.values()))) if models else found
        return models

    @property
    def evaluated(self):
        """Names of the predictions that are kept, those of `methods` first."""
        kept = {path.stem for path in self.predictions_path("any").parent.glob("*.npz")}
        return [m for m in self.methods if m in kept] + sorted(kept.difference(self.methods))

    def predictions_path(self, method):
        """Where `evaluate` keeps them."""
        return self.results / "predictions" / f"{method}.npz"


def folders_of(profile, data, results, name):
    """What a run or a sweep called `name` reads and writes: {"tree": its data, "results": its folder,
    "renders": whether the data is the miniature}. Raises EgolibError for a profile that needs data and
    got none."""
    if not data and not profile.embedded:
        raise EgolibError(f"the profile {profile.name} needs the official data; give --data DIR")
    return {
        "tree": Path(data).resolve() if data else default_tree(profile),
        "results": Path(results).resolve() if results else REPOSITORY / "results" / name,
        "renders": not data,
    }


def default_tree(profile):
    """Where the miniature of a profile lies. Profiles that render alike share one."""
    known = [other.name for other in PROFILES.values() if other.render == profile.render]
    return REPOSITORY / "data" / (known[0] if known else profile.name)


@without_effect
def miniature_network(profile=DEFAULT_PROFILE):
    """Path of the heatmap network that an embedded `profile` trains on its miniature: that of
    results/<profile> where such a run left one, else of results/miniature_<profile>, where it is
    trained first if that has not happened yet."""
    usual = _described(profile)
    if is_owned_by(usual.results, usual.identity) and usual.checkpoint("heatmaps").is_file():
        return usual.checkpoint("heatmaps")
    study = open_study(profile, results=REPOSITORY / "results" / f"miniature_{profile}")
    checkpoint = study.checkpoint("heatmaps")
    if not checkpoint.is_file():
        print(f"{checkpoint} is not there yet and is trained on the miniature first; for "
              f"{DEFAULT_PROFILE} that takes 10 to 40 min on 2 cores", flush=True)  # fmt: skip
        study.prepare_data()
        study.train("heatmaps")
    return checkpoint


def open_study(profile=DEFAULT_PROFILE, seed=0, data="", results="", pack=""):
    """A Study by the four parameters of every notebook and of `run_all.sh`.

    `data` empty: the embedded miniature (default_tree). `results` empty: results/<profile>.
    `pack`: a folder that the tree `data` is to be packed into and trained from.
    Raises EgolibError for an unknown profile, a profile that needs data and got none, and a
    results folder that belongs to a run of another profile, on other data or with another seed.
    """
    study = _described(profile, seed, data, results, pack)
    reserve(study.results, study.identity)
    return study


def _described(profile, seed=0, data="", results="", pack=""):
    """The Study of `open_study`, before its results folder is looked at."""
    loaded = load_profile(profile)
    if pack and not data:
        raise EgolibError(f"{pack}: nothing to pack; name the tree with --data DIR")
    return Study(
        profile=loaded,
        profile_argument=profile if profile in PROFILES else str(Path(profile).resolve()),
        seed=seed,
        source=Path(data).resolve() if pack else None,
        **folders_of(loaded, pack or data, results, loaded.name),
    )
