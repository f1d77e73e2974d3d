"""The three stages of the paper on Lightning: heatmaps, lifter, both end to end.

Each `train_*` function trains one stage, keeps the epoch that was best on the validation split
and writes it as safetensors. A killed run resumes after its last finished epoch and ends as it
would have ended: shuffling and colour jitter depend on seed, epoch and step alone.
"""

import dataclasses
import functools
import json
import logging
import signal
import time
import warnings
from pathlib import Path

import lightning as L
import pandas as pd
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from egolib.checkpoints import build_network, join_networks, load_network, save_network, spec_of
from egolib.dataset import FrameDataset, make_loader, mean_pose_m
from egolib.errors import EgolibError
from egolib.files import code_digest, no_space_is_one_line, write_atomically
from egolib.progress import progress_bar
from egolib.stages import FinetuneStage, HeatmapStage, LifterStage

# Lightning announces devices and tips at every fit; the progress bars say what matters.
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

CHECKPOINT_NAMES = {"heatmaps": "heatmaps", "lifter": "lifter", "finetune": "finetuned"}


def training_precision():
    """ "bf16-mixed" where the hardware computes in bf16, else "32-true": emulated bf16 is many
    times slower than fp32."""
    if torch.cuda.is_available():
        return (
            "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
        )
    return "bf16-mixed" if torch.cpu._is_avx512_bf16_supported() else "32-true"


class History(L.Callback):
    """One row an epoch (losses, metric, seconds, images per second), kept in the checkpoint and
    written to `path` as csv; shows a progress bar an epoch."""

    def __init__(self, path, label):
        self.path, self.label, self.rows, self.bar = path, label, [], None

    def state_dict(self):
        return {"rows": self.rows}

    def load_state_dict(self, state_dict):
        self.rows = state_dict["rows"]

    def on_train_epoch_start(self, trainer, module):
        self.started, self.images = time.perf_counter(), 0
        description = f"{self.label} epoch {trainer.current_epoch + 1}/{trainer.max_epochs}"
        self.bar = progress_bar(total=trainer.num_training_batches, desc=description, unit="batch")

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        self.images += len(batch["action"])
        self.bar.update()
        if self.bar.n == self.bar.total:
            self.seconds = time.perf_counter() - self.started

    def on_exception(self, trainer, module, exception):
        if self.bar:
            self.bar.close()

    def on_validation_end(self, trainer, module):
        if trainer.sanity_checking:
            return
        values = {name: float(value) for name, value in trainer.callback_metrics.items()}
        # Lightning reduces train_loss only after validation: see on_train_epoch_end.
        self.pending = {
            "epoch": trainer.current_epoch + 1,
            "val_loss": values["val_loss"],
            module.metric: values.get(module.metric, float("nan")),
            "seconds": round(self.seconds, 2),
            "images_per_second": round(self.images / self.seconds, 2),
        }

    def on_train_epoch_end(self, trainer, module):
        row = {**self.pending, "train_loss": float(trainer.callback_metrics["train_loss"])}
        self.rows = [*self.rows, row]
        self.bar.set_postfix_str(f"{module.metric} {row[module.metric]:.2f}")
        self.bar.close()
        if trainer.is_global_zero:
            write_atomically(self.path, pd.DataFrame(self.rows).to_csv(index=False))


def fit(module, train_set, val_set, run_dir, run_key, resume, workers=0, devices=1, nodes=1):
    """Train `module`, leave its best epoch's weights in `module.network`.

    run_dir holds last.ckpt, best.ckpt, history.csv and run.json with `run_key`: all that the
    outcome depends on. With `resume`, a run of the same key goes on after its last finished
    epoch; otherwise the folder's earlier run is replaced. Returns the row of the best epoch.
    """
    key_path, history_path = run_dir / "run.json", run_dir / "history.csv"
    key_text = json.dumps(run_key, indent=1, sort_keys=True)
    last, best = run_dir / "last.ckpt", run_dir / "best.ckpt"
    if not (resume and key_path.is_file() and key_path.read_text() == key_text):
        for path in (last, best, history_path):
            path.unlink(missing_ok=True)
        write_atomically(key_path, key_text)
    history = History(history_path, run_key["stage"])
    keep = functools.partial(
        ModelCheckpoint, dirpath=run_dir, enable_version_counter=False, save_on_train_epoch_end=True
    )
    keep_best = keep(filename=best.stem, monitor=module.metric, mode="min", save_weights_only=True)
    keep_last = keep(filename=last.stem)
    config = module.config
    with warnings.catch_warnings(), no_space_is_one_line(run_dir):
        warnings.filterwarnings("ignore", module="lightning")
        trainer = L.Trainer(
            max_epochs=config.epochs, accelerator="auto", devices=devices, num_nodes=nodes,
            precision=training_precision(), callbacks=[history, keep_best, keep_last], logger=False,
            enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
            default_root_dir=run_dir,
        )  # fmt: skip
        train_loader = make_loader(train_set, config.batch_size, workers, shuffle_seed=module.seed)
        if last.is_file():
            # Lightning starts the loading processes before it tells the sampler the epoch.
            stored = torch.load(last, map_location="cpu", weights_only=True, mmap=True)
            train_loader.sampler.set_epoch(stored["epoch"] + 1)
        interrupt_handler = signal.getsignal(signal.SIGINT)
        try:
            trainer.fit(
                module,
                train_loader,
                make_loader(val_set, config.batch_size, workers),
                ckpt_path=last if last.is_file() else None,
                weights_only=True,
            )
        except SystemExit as error:
            # Lightning turns Ctrl-C into an exit, and deafens the process (a notebook's kernel,
            # say) to the next one.
            signal.signal(signal.SIGINT, interrupt_handler)
            raise KeyboardInterrupt from error
    stored = torch.load(best, map_location="cpu", weights_only=True)
    module.load_state_dict(stored["state_dict"])
    rows = pd.read_csv(history_path)
    return rows.loc[rows[module.metric].idxmin()].to_dict()


def train_stage(stage, profile, train_index, val_index, checkpoints_dir, seed, resume=True,
                devices=1, nodes=1):  # fmt: skip
    """Train one of STAGES by `profile` and write `<checkpoints_dir>/<name>.safetensors`.

    The fine-tuning starts from the two checkpoints of the stages before it, in the same folder.
    The epoch is chosen on `val_index` only. Returns the path of the checkpoint.
    """
    config = getattr(profile, stage)
    spec = spec_of("egopose" if stage == "finetune" else stage, profile)
    L.seed_everything(seed, verbose=False)
    start = {}
    if stage == "finetune":
        network, spec, start = _load_joined(checkpoints_dir, spec)
    else:
        network = build_network(spec, profile.heatmaps.pretrained and stage == "heatmaps")
    if stage == "lifter":
        network.start_at(mean_pose_m(train_index))
    run_key = {
        "stage": stage,
        "seed": seed,
        "config": dataclasses.asdict(config),
        "spec": dataclasses.asdict(spec),
        "data": [train_index.fingerprint, val_index.fingerprint],
        "frames": [len(train_index), len(val_index)],
        "start": start,
        "precision": training_precision(),
        "code": _code_digest(),
    }
    module_class = {"heatmaps": HeatmapStage, "lifter": LifterStage, "finetune": FinetuneStage}
    module = module_class[stage](network, spec, config, seed)
    with_images = stage != "lifter"
    best = fit(
        module,
        FrameDataset(train_index, spec.image_px, with_images),
        FrameDataset(val_index, spec.image_px, with_images),
        checkpoints_dir / "runs" / stage,
        run_key,
        resume,
        profile.workers,
        devices,
        nodes,
    )
    path = checkpoints_dir / f"{CHECKPOINT_NAMES[stage]}.safetensors"
    provenance = {"profile": profile.name, **run_key, "best": best}
    save_network(path, module.network, spec, provenance)
    return path


def _code_digest():
    """Digest of the code that decides what is learnt."""
    names = "augment dataset heatmaps losses models pictures stages training"
    return code_digest(Path(__file__).with_name(f"{name}.py") for name in names.split())


def _load_joined(checkpoints_dir, asked):
    heatmap_net, heatmap_spec, heatmap_origin = load_network(
        checkpoints_dir / "heatmaps.safetensors", ["heatmaps"]
    )
    lifter, lifter_spec, lifter_origin = load_network(
        checkpoints_dir / "lifter.safetensors", ["lifter"]
    )
    network, spec = join_networks(heatmap_net, heatmap_spec, lifter, lifter_spec)
    for name, wanted in dataclasses.asdict(asked).items():
        if getattr(spec, name) != wanted:
            raise EgolibError(
                f"{checkpoints_dir}: its networks have {name} = {getattr(spec, name)}, the profile "
                f"asks for {wanted}; train the stages before this one again"
            )
    return (
        network.train(),
        spec,
        {"heatmaps": heatmap_origin["best"], "lifter": lifter_origin["best"]},
    )
