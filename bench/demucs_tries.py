"""What was tried to make htdemucs faster, on the same weights and the same segment; a part of bench/separation.py."""

import copy
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from demucs.htdemucs import HTDemucs
from torch import Tensor, nn

from resources.demucs_network import RATE_HZ, only_vocals, segment_length
from resources.onednn import OneDnn

Run = Callable[[Tensor], Tensor]  # b c n -> b c n: the vocals
MATRIX = ("linear_pointwise", "bmm", "addmm", "mm", "scaled_dot_product", "convolution", "conv2d", "conv_transpose")


class Core(nn.Module):
    """The network between the spectrogram and its way back, which no exporter takes: (b 2c f t, b c n) -> the same."""

    def __init__(self, network: HTDemucs) -> None:
        super().__init__()
        inner: Any = copy.deepcopy(network)
        self.given: Tensor
        self.made: Tensor
        inner._spec = lambda mix: mix
        inner._magnitude = lambda _: self.given
        inner._mask = lambda _, made: self._keep(made)
        inner._ispec = lambda made, length: made.new_zeros(())
        self.network = inner

    def _keep(self, made: Tensor) -> Tensor:
        self.made = made
        return made

    def forward(self, spectrum: Tensor, mix: Tensor) -> tuple[Tensor, Tensor]:
        self.given = spectrum
        wave = self.network(mix)
        return self.made, wave

    @staticmethod
    def around(network: HTDemucs, core: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]) -> Run:
        """The whole network, with its middle run by another runtime."""

        def run(mix: Tensor) -> Tensor:
            z = network._spec(mix)
            made, wave = core(network._magnitude(z), mix)
            return (wave + network._ispec(network._mask(z, made), mix.shape[-1]))[:, 0]

        return run


def try_all(network: HTDemucs, device: torch.device, threads: int, repeats: int, folder: Path, compiled: bool) -> None:
    """Prints what each way takes a segment, how that compares to the first, and how far its vocals are off."""
    torch.set_num_threads(threads)
    network = network.to(device)
    mix = (torch.randn(1, 2, segment_length(network), generator=torch.Generator().manual_seed(0)) * 0.1).to(device)
    ways: dict[str, tuple[int, Run]] = {}
    failed: dict[str, str] = {}
    for name, size, make in _ways(network, device, mix, folder, compiled):
        try:
            run = make()
            with torch.inference_mode():
                run(mix.expand(size, -1, -1))
            ways[name] = size, run
        except Exception as error:  # noqa: BLE001 -- a runtime that is not there, or does not take it, is a row too
            failed[name] = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:70]}"
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    found: dict[str, Tensor] = {}
    memory: dict[str, float] = {}
    with torch.inference_mode():
        for _ in range(repeats):  # in turns, so that what else the machine does falls on all of them
            for name, (size, run) in ways.items():
                batch = mix.expand(size, -1, -1).contiguous()
                with _peak(device, memory, name):
                    start = time.perf_counter()
                    found[name] = run(batch)[:1].float().cpu()
                    seconds[name].append((time.perf_counter() - start) / size)
    first = next(iter(ways))
    length_s = mix.shape[-1] / RATE_HZ
    print(f"\none segment of {length_s:.1f} s, {threads} threads on {device}, median of {repeats}")
    print(f"{'':38}{'s':>8}{'x real time':>13}{'speed':>8}{'difference':>12}" + (f"{'GiB':>8}" if memory else ""))
    base = statistics.median(seconds[first])
    for name in ways:
        took = statistics.median(seconds[name])
        apart = float((found[name] - found[first]).abs().max() / found[first].abs().max())
        row = f"{name:38}{took:8.3f}{length_s / took:13.2f}{base / took:8.2f}{apart:12.1e}"
        print(row + (f"{memory[name]:8.2f}" if memory else ""))
    for name, why in failed.items():
        print(f"{name:38}  {why}")


def _ways(
    network: HTDemucs, device: torch.device, mix: Tensor, folder: Path, compiled: bool
) -> Iterator[tuple[str, int, Callable[[], Run]]]:
    place = network.sources.index("vocals")
    vocals = only_vocals(copy.deepcopy(network))

    def tiled(mix: Tensor) -> Tensor:
        with _fast_path(False):
            return vocals(mix)[:, 0]

    def ours(mix: Tensor) -> Tensor:
        with OneDnn() if device.type == "cpu" else nullcontext():
            return tiled(mix)

    def eager(run: Callable[[Tensor], Tensor], index: int) -> Run:
        def with_fast_path(mix: Tensor) -> Tensor:
            with _fast_path(True):
                return run(mix)[:, index]

        return with_fast_path

    cuda = device.type == "cuda"
    yield "demucs's own, four sources", 1, lambda: eager(network, place)
    yield "+ only the vocals", 1, lambda: eager(vocals, 0)
    yield "+ tiled attention" + (": ours" if cuda else ""), 1, lambda: tiled
    if not cuda:
        yield "+ products by oneDNN: ours", 1, lambda: ours
    for size in (4, 8, 16) if cuda else (2, 4):
        yield f"ours, batches of {size}", size, lambda: ours
    yield "ours, channels last", 1, lambda: _channels_last(vocals, device)
    yield "tiled attention, bfloat16", 1, lambda: _autocast(tiled, device, torch.bfloat16)
    if cuda:
        yield "tiled attention, float16", 1, lambda: _autocast(tiled, device, torch.float16)
    if compiled:
        yield "tiled attention, torch.compile", 1, lambda: _compiled(vocals)
    if not cuda:
        yield "tiled attention, traced and frozen", 1, lambda: Core.around(vocals, _frozen(vocals, mix))
        yield "ONNX Runtime", 1, lambda: Core.around(vocals, _onnx(vocals, mix, folder))
        yield "OpenVINO", 1, lambda: Core.around(vocals, _openvino(vocals, mix))


@contextmanager
def _fast_path(on: bool) -> Iterator[None]:
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(on)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


@contextmanager
def _peak(device: torch.device, memory: dict[str, float], name: str) -> Iterator[None]:
    if device.type != "cuda":
        yield
        return
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    yield
    memory[name] = torch.cuda.max_memory_allocated(device) / 2**30


def _channels_last(vocals: HTDemucs, device: torch.device) -> Run:
    other = copy.deepcopy(vocals).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def run(mix: Tensor) -> Tensor:
        with _fast_path(False), OneDnn() if device.type == "cpu" else nullcontext():
            return other(mix)[:, 0]

    return run


def _autocast(run: Run, device: torch.device, dtype: torch.dtype) -> Run:
    def cast(mix: Tensor) -> Tensor:
        with torch.autocast(device.type, dtype):
            return run(mix)

    return cast


def _compiled(vocals: HTDemucs) -> Run:
    compiled: Any = torch.compile(copy.deepcopy(vocals))

    def run(mix: Tensor) -> Tensor:
        with _fast_path(False):
            return compiled(mix)[:, 0]

    return run


def _example(vocals: HTDemucs, mix: Tensor) -> tuple[Tensor, Tensor]:
    return vocals._magnitude(vocals._spec(mix)), mix


def _frozen(vocals: HTDemucs, mix: Tensor) -> Any:
    with _fast_path(False), torch.no_grad():
        return torch.jit.freeze(torch.jit.trace(Core(vocals).eval(), _example(vocals, mix), check_trace=False))


def _onnx(vocals: HTDemucs, mix: Tensor, folder: Path) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    import onnxruntime  # type: ignore[import-untyped]

    file = folder / "core.onnx"
    with _fast_path(False), torch.no_grad():
        torch.onnx.export(
            Core(vocals).eval(), _example(vocals, mix), str(file), input_names=["spectrum", "mix"], dynamo=False
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def core(spectrum: Tensor, mix: Tensor) -> tuple[Tensor, Tensor]:
        made, wave = session.run(None, {"spectrum": spectrum.numpy(), "mix": mix.numpy()})
        return torch.from_numpy(made), torch.from_numpy(wave)

    return core


def _openvino(vocals: HTDemucs, mix: Tensor) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    import openvino  # type: ignore[import-not-found]

    with _fast_path(False), torch.no_grad():
        model = openvino.convert_model(Core(vocals).eval(), example_input=_example(vocals, mix))
    threads = {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.compile_model(model, "CPU", threads)

    def core(spectrum: Tensor, mix: Tensor) -> tuple[Tensor, Tensor]:
        made, wave = compiled((spectrum.numpy(), mix.numpy())).values()
        return torch.from_numpy(made), torch.from_numpy(wave)

    return core


def profile(network: HTDemucs, device: torch.device, threads: int, rows: int = 14) -> None:
    """Prints where the time of one segment goes, and how much of it is matrix work and convolutions."""
    from torch.profiler import ProfilerActivity

    torch.set_num_threads(threads)
    vocals = only_vocals(copy.deepcopy(network)).to(device)
    mix = (torch.randn(1, 2, segment_length(network)) * 0.1).to(device)
    cuda = device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]
    with torch.inference_mode(), _fast_path(False), nullcontext() if cuda else OneDnn():
        vocals(mix)
        with torch.profiler.profile(activities=activities) as seen:
            vocals(mix)
            if cuda:
                torch.cuda.synchronize(device)
    spent = {
        event.key: (event.self_device_time_total if cuda else event.self_cpu_time_total) / 1e6
        for event in seen.key_averages()
    }
    total = sum(spent.values())
    matrix = sum(seconds for key, seconds in spent.items() if any(sign in key for sign in MATRIX))
    print(f"\nthe profile of one segment: {total:.2f} s, {matrix / total:.0%} in matrix work and convolutions")
    for key, seconds in sorted(spent.items(), key=lambda item: -item[1])[:rows]:
        print(f"{key[:60]:60}{seconds:8.3f} s{seconds / total:7.1%}")
