"""Work in parts, each a SLURM job, or for a trial a process of this machine; by submitit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from egolib.foundation.errors import EgolibError, is_ours
from egolib.foundation.progress import progress_bar

EXECUTORS = ("slurm", "local")


def run_parts(
    function: Callable[[tuple[int, int]], Any], parts: int, folder: Path, executor: str, cpus: int,
    options: dict[str, Any],
) -> None:  # fmt: skip
    """Call function((i, parts)) for i from 1 to `parts`, each in a job of its own, and wait.

    folder: for the jobs' logs, shared by all machines. executor: one of EXECUTORS. cpus: of each job.
    options: further options of `sbatch`, such as {"partition": "cpu", "time": 240} (minutes; 24 hours without
    it). Raises EgolibError for a machine without SLURM, options that submitit does not
    accept, and the first job that failed; jobs still under way are cancelled.
    """
    import submitit  # slow to import, and rarely needed

    slurm = {f"slurm_{key}": value for key, value in options.items()}
    try:
        submitter = submitit.AutoExecutor(folder, cluster=executor)
        submitter.update_parameters(
            name="egolib", timeout_min=24 * 60, cpus_per_task=cpus, stderr_to_stdout=True, **slurm
        )
        jobs = submitter.map_array(function, [(i + 1, parts) for i in range(parts)])
    except (RuntimeError, NameError, TypeError, ValueError) as error:
        raise EgolibError(f"submitit refuses the executor {executor}: {error}") from error
    try:
        with progress_bar(total=parts, desc=f"Jobs ({executor})", unit="job") as bar:
            for job in submitit.helpers.as_completed(jobs, poll_frequency=1):
                if job.exception() is not None:
                    raise EgolibError(f"{job.paths.stdout}: {_reason(job.exception())}")
                bar.update()
    finally:
        for job in jobs:
            if not job.done():
                job.cancel()


def _reason(error: BaseException) -> str:
    """The line of a job's traceback with the cause of the failure."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    raised = [line.partition(": ") for line in lines]
    expected = [text for name, _, text in raised if is_ours(name.rpartition(".")[2])]
    return expected[-1] if expected else lines[0]
