"""What a model runs on."""

from resources.engines import Crew
from resources.models import LocalModel, ModelChoice, ModelUnavailable


def check_device(choice: ModelChoice) -> None:
    """Raises ModelUnavailable where there is no such device, with what to do."""
    if choice.device == "cpu":
        return
    found = cuda_devices()
    number = int(choice.device.partition(":")[2] or 0)
    if number >= found:
        counted = f"it has {found}" if found else "it has none that torch can use"
        raise ModelUnavailable(
            f"{choice.model} is to run on {choice.device}, but this machine has no CUDA device {number} ({counted}): "
            f"set its `device` to cpu, or run where there is one"
        )


def cuda_devices() -> int:
    """How many GPUs torch can use here."""
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def device_of(device: str, worker: int) -> str:
    """The device of one of several workers: `cuda` alone is shared out among them, GPU by GPU."""
    return f"cuda:{worker % cuda_devices()}" if device == "cuda" else device


def crew_of(*models: LocalModel) -> Crew:
    """Who is worth having at a work with these models: on GPUs a process for each, which has some tracks under way."""
    shares = [1 if ":" in model.device else max(1, cuda_devices()) for model in models if model.device != "cpu"]
    return Crew(min(shares, default=None), max(model.tracks_at_once for model in models))
