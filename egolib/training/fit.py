"""Fit one stage on Lightning, in one process or many: keep its best epoch, resume a killed run.

A profile's `batch_size` is that of one step of the optimiser, however many processes and steps of
accumulation share it, so that a run ends with the same result on one GPU and on eight.
"""

import functools
import json
import logging
import os
import signal
import sys
import time
import warnings
from pathlib import Path
from typing import Any, Literal, cast

import pandas as pd
import torch
from lightning import Callback, LightningModule, Trainer
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import ModelCheckpoint
from tqdm import tqdm

from egolib.data.dataset import EpochShuffle, FrameDataset, make_loader
from egolib.foundation.errors import EgolibError
from egolib.foundation.files import atomic_path, no_space_is_one_line, write_atomically
from egolib.foundation.progress import progress_bar
from egolib.training.modules import StageModule

# Lightning prints devices and tips at every fit; the progress bars show what matters.
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


def training_precision() -> Literal["bf16-mixed", "32-true"]:
    """ "bf16-mixed" where the hardware computes in bf16, else "32-true": emulated bf16 is many
    times slower than fp32."""
    if torch.cuda.is_available():
        bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        bf16 = torch.cpu._is_avx512_bf16_supported()
    return "bf16-mixed" if bf16 else "32-true"


def started_processes() -> int:
    """How many processes torchrun or srun started together with this one, itself among them."""
    return int(os.environ.get("WORLD_SIZE") or os.environ.get("SLURM_STEP_NUM_TASKS") or 1)


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint beside its place and renames it. Lightning's own way goes through TMPDIR, which
    may be on another disk: a killed run then leaves half a file."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        with atomic_path(path) as partial:
            torch.save(checkpoint, partial)


class History(Callback):
    """One row per epoch (losses, metric, seconds, images per second), kept in the checkpoint and
    written to `path` as csv; the first process shows a progress bar for each epoch."""

    def __init__(self, path: Path, label: str, metric: str):
        self.path, self.label, self.metric = path, label, metric
        self.rows: list[dict[str, float]] = []
        self.bar: tqdm | None = None

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows = state_dict["rows"]

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.started, self.images = time.perf_counter(), 0
        if trainer.is_global_zero:
            label = f"{self.label} epoch {trainer.current_epoch + 1}/{trainer.max_epochs}"
            self.bar = progress_bar(total=trainer.num_training_batches, desc=label, unit="batch")

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.images += len(batch["position"]) * trainer.world_size
        self.seconds = time.perf_counter() - self.started
        if self.bar:
            self.bar.update()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        if self.bar:
            self.bar.close()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking:
            return
        values = {name: float(value) for name, value in trainer.callback_metrics.items()}
        # Lightning reduces train_loss only after validation: see on_train_epoch_end.
        self.pending = {
            "epoch": trainer.current_epoch + 1,
            "val_loss": values["val_loss"],
            self.metric: values[self.metric],
            "seconds": round(self.seconds, 2),
            "images_per_second": round(self.images / self.seconds, 2),
        }

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        row = {**self.pending, "train_loss": float(trainer.callback_metrics["train_loss"])}
        self.rows = [*self.rows, row]
        if self.bar is not None:
            self.bar.set_postfix_str(f"{self.metric} {row[self.metric]:.2f}")
            self.bar.close()
            write_atomically(self.path, pd.DataFrame(self.rows).to_csv(index=False))


def fit(
    module: StageModule, train_set: FrameDataset, val_set: FrameDataset, run_dir: Path,
    run_key: dict[str, Any], resume: bool, workers: int = 0, devices: int = 1, nodes: int = 1,
) -> dict:  # fmt: skip
    """Train `module`, leave its best epoch's weights in `module.network`.

    run_dir holds last.ckpt, best.ckpt, history.csv and run.json with `run_key`: all that the
    outcome depends on. With `resume`, a run of the same key goes on after its last finished
    epoch; otherwise the folder's earlier run is replaced. Returns the row of the best epoch.
    Raises EgolibError when `devices` and `nodes` are not what there is or what was started, and
    when a batch cannot be shared among them.
    """
    key_path, history_path = run_dir / "run.json", run_dir / "history.csv"
    key_text = json.dumps(run_key, indent=1, sort_keys=True)
    last, best = run_dir / "last.ckpt", run_dir / "best.ckpt"
    history = History(history_path, run_key["stage"], module.metric)
    keep = functools.partial(
        ModelCheckpoint, dirpath=run_dir, enable_version_counter=False, save_on_train_epoch_end=True
    )
    keep_best = keep(filename=best.stem, monitor=module.metric, mode="min", save_weights_only=True)
    keep_last = keep(filename=last.stem)
    config = module.config
    with warnings.catch_warnings(), no_space_is_one_line(run_dir):
        warnings.filterwarnings("ignore", module="lightning")
        trainer = _trainer(
            devices, nodes, max_epochs=config.epochs, accumulate_grad_batches=config.accumulate,
            callbacks=[history, keep_best, keep_last], default_root_dir=run_dir,
        )  # fmt: skip
        # Every process passes here before training begins, so that none removes files of this run.
        begun = _epochs_done(run_dir, key_text) if resume else 0
        if not begun:
            for path in (last, best, history_path):
                path.unlink(missing_ok=True)
            if trainer.is_global_zero:
                write_atomically(key_path, key_text)
        share = {"rank": trainer.global_rank, "world_size": trainer.world_size}
        train_loader = make_loader(
            train_set, config.batch_size, workers, module.seed, config.accumulate, **share
        )
        val_loader = make_loader(val_set, config.batch_size, workers, **share)
        # Lightning starts the loading processes before it sets the epoch of the sampler.
        cast(EpochShuffle, train_loader.sampler).set_epoch(begun)
        interrupt_handler = signal.getsignal(signal.SIGINT)
        try:
            checkpoint = last if begun else None
            trainer.fit(module, train_loader, val_loader, ckpt_path=checkpoint, weights_only=True)
        except SystemExit as error:
            # Lightning turns Ctrl-C into an exit, and leaves the process (a notebook's kernel, for
            # example) with a handler that ignores the next one.
            signal.signal(signal.SIGINT, interrupt_handler)
            raise KeyboardInterrupt from error
    stored = torch.load(best, map_location="cpu", weights_only=True)
    module.load_state_dict(stored["state_dict"])
    rows = pd.read_csv(history_path)
    return rows.loc[rows[module.metric].idxmin()].to_dict()


def _epochs_done(run_dir: Path, key_text: str) -> int:
    """How many epochs of the run with this key are done in `run_dir`, 0 when there is none to resume. A
    run that is damaged is not resumed either, and a line on stderr says so."""
    files = [run_dir / name for name in ("run.json", "last.ckpt", "best.ckpt", "history.csv")]
    try:
        if not files[1].is_file() or files[0].read_text() != key_text:
            return 0
        last, best = (
            torch.load(path, map_location="cpu", weights_only=True, mmap=True)
            for path in files[1:3]
        )
        epochs = int(last["epoch"]) + 1
        if not best["state_dict"] or len(pd.read_csv(files[3])) < epochs:
            raise ValueError("its best epoch or its history is missing")
        return epochs
    except Exception as error:  # torch raises nearly every type for a damaged file
        first = (str(error).splitlines() or [type(error).__name__])[0]
        print(
            f"{run_dir}: the training there is damaged and begins anew ({first})", file=sys.stderr
        )
        return 0


def _trainer(devices: int, nodes: int, **options: Any) -> Trainer:
    """A Trainer whose processes are those that torchrun or srun started, if they did."""
    asked = f"--devices {devices} --nodes {nodes}"
    gpu = torch.cuda.is_available()
    try:
        trainer = Trainer(
            accelerator="auto", devices=devices, num_nodes=nodes, precision=training_precision(),
            # make_loader splits the frames among the processes. The part of a batch on each GPU is
            # small, so batch normalisation is synchronised (which PyTorch has for GPUs only).
            use_distributed_sampler=False, sync_batchnorm=gpu, benchmark=gpu,
            plugins=[AtomicCheckpointIO()],
            logger=False, enable_progress_bar=False, enable_model_summary=False,
            num_sanity_val_steps=0, **options,
        )  # fmt: skip
    except (ValueError, MisconfigurationException) as error:
        raise EgolibError(f"{asked}: {' '.join(str(error).split())}") from error
    if (started := started_processes()) not in (1, trainer.world_size):
        raise EgolibError(
            f"{asked}: {started} processes were started; --devices is their number on each machine"
        )
    return trainer
