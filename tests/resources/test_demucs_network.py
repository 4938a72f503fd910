"""Demucs's networks: read without trust, and cut down to the vocals with the same result."""

import copy
import json
import os
import struct
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from demucs.demucs import Demucs
from demucs.states import load_model

from resources.demucs_files import DemucsFiles, Member
from resources.demucs_network import Vocals, load_network, load_vocals, only_vocals
from resources.weights import WeightsError

KINDS = [
    ("HTDemucs", {}),
    ("HTDemucs", {"use_train_segment": False}),
    ("HDemucs", {}),
    ("HDemucs", {"hybrid": False}),
    ("HDemucs", {"multi_freqs": [0.25, 0.5]}),
]
MIXING = [("HDemucs", {"cac": False}), ("HTDemucs", {"norm_starts": 0})]
MIX = torch.rand(2, 2, 22_050, generator=torch.Generator().manual_seed(0)) - 0.5


class Evil:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def files(*paths: Path, segment_s: float | None = None) -> DemucsFiles:
    return DemucsFiles(tuple(Member(path, 1.0) for path in paths), segment_s)


@torch.inference_mode()
def found(network, mix=MIX):
    return network(mix)


@pytest.mark.parametrize(("kind", "changes"), KINDS)
def test_a_network_cut_down_to_the_vocals_finds_the_same_vocals(demucs_network, kind, changes):
    network = demucs_network(kind, **changes)
    cut = only_vocals(copy.deepcopy(network))
    assert cut.sources == ["vocals"]
    torch.testing.assert_close(found(cut)[:, 0], found(network)[:, 3], atol=1e-6, rtol=0)


@pytest.mark.parametrize(("kind", "changes"), MIXING)
def test_a_network_that_mixes_its_sources_at_the_end_stays_whole(demucs_network, kind, changes):
    network, mix = demucs_network(kind, **changes), MIX[:1, :, :8_000]
    assert only_vocals(copy.deepcopy(network)).sources == network.sources
    whole = Vocals([copy.deepcopy(network)], [1.0]).eval()
    torch.testing.assert_close(found(whole, mix), found(network, mix)[:, 3], atol=1e-6, rtol=0)


def test_several_networks_are_averaged_by_their_weights(demucs_network):
    one, other = demucs_network(seed=1), demucs_network(seed=2)
    wanted = (0.5 * found(one, MIX[:1])[:, 3] + 2 * found(other, MIX[:1])[:, 3]) / 2.5
    torch.testing.assert_close(found(Vocals([one, other], [0.5, 2]).eval(), MIX[:1]), wanted, atol=1e-6, rtol=0)


def test_networks_of_different_segments_are_not_averaged(demucs_network):
    with pytest.raises(WeightsError, match="different lengths"):
        Vocals([demucs_network(), demucs_network(segment=1)], [1, 1])


@pytest.mark.parametrize("kind", ["HTDemucs", "HDemucs"])
@pytest.mark.parametrize("half", [True, False])
def test_a_checkpoint_comes_back_as_it_was_in_float32(demucs_network, save_th, tmp_path, kind, half):
    network = demucs_network(kind)
    path = save_th(network, tmp_path, "mine", half=half)
    theirs = load_model(path).state_dict()
    for name, value in load_network(path).state_dict().items():
        assert value.dtype == theirs[name].dtype == torch.float32
        assert torch.equal(value, theirs[name])


@pytest.mark.parametrize("kind", ["HTDemucs", "HDemucs"])
def test_safetensors_come_back_as_they_were(demucs_network, save_safetensors, tmp_path, kind):
    network = demucs_network(kind)
    loaded = load_network(save_safetensors(network, tmp_path, "mine"))
    assert loaded.segment == Fraction(1, 2)
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in loaded.state_dict().items())


def test_a_setting_that_newer_versions_dropped_is_passed_over(demucs_network, save_th, tmp_path):
    network = demucs_network()
    network._init_args_kwargs[1]["dconv_dropped"] = 3
    assert load_network(save_th(network, tmp_path, "mine")).channels == network.channels


@pytest.mark.parametrize("place", ["training_args", "klass", "kwargs", "state"])
def test_code_in_a_checkpoint_is_not_run(demucs_network, save_th, tmp_path, place):
    mark = tmp_path / "mark"
    path = save_th(demucs_network(), tmp_path, "mine", **{place: Evil(mark)})
    with pytest.raises(WeightsError, match="holds more than a Demucs network"):
        load_network(path)
    assert not mark.exists()
    torch.load(path, weights_only=False)
    assert mark.exists()  # so it was a real one


def test_a_class_that_is_not_on_the_list_is_not_made(demucs_network, save_th, save_safetensors, tmp_path):
    with pytest.raises(WeightsError, match="holds more than"):
        load_network(save_th(demucs_network(), tmp_path, "mine", klass=Demucs))
    for name in ("demucs.demucs.Demucs", "os.system", ""):
        with pytest.raises(WeightsError, match="holds no HTDemucs or HDemucs"):
            load_network(save_safetensors(demucs_network(), tmp_path, "mine", klass=name))


def test_quantised_weights_are_refused_with_what_to_take(demucs_network, save_th, save_safetensors, tmp_path):
    network = demucs_network()
    paths = [
        save_th(network, tmp_path, "mine", state={"__quantized": True, "quantized": []}),
        save_safetensors(network, tmp_path, "mine", structure=json.dumps({"_dict": []})),
    ]
    for path in paths:
        with pytest.raises(WeightsError, match=r"quantised with diffq.*: take an unquantised model"):
            load_network(path)


@pytest.mark.parametrize("suffix", [".th", ".safetensors"])
@pytest.mark.parametrize("kept", [0, 0.5])
def test_a_damaged_file_is_named(demucs_network, save_th, save_safetensors, tmp_path, suffix, kept):
    path = (save_th if suffix == ".th" else save_safetensors)(demucs_network(), tmp_path, "mine")
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(WeightsError, match="is damaged"):
        load_network(path)


@pytest.mark.parametrize("kwargs", ["[1]", "{", '{"segment": {"_type": "fraction", "numerator": 1, "denominator": 0}}'])
def test_metadata_that_make_no_sense_are_named(demucs_network, save_safetensors, tmp_path, kwargs):
    with pytest.raises(WeightsError, match=r"is damaged|does not fit"):
        load_network(save_safetensors(demucs_network(), tmp_path, "mine", kwargs=kwargs))


def test_a_header_that_is_no_header_is_named(tmp_path):
    path = tmp_path / "mine.safetensors"
    path.write_bytes(struct.pack("<Q", 1 << 40) + b"{}")
    with pytest.raises(WeightsError, match="is damaged"):
        load_network(path)


def test_weights_of_another_shape_are_named(demucs_network, save_th, tmp_path):
    path = save_th(demucs_network(), tmp_path, "mine", state=demucs_network(channels=8).state_dict())
    with pytest.raises(WeightsError, match="does not fit its own HTDemucs"):
        load_network(path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"samplerate": 48_000}, "2 channels at 48000 Hz"), ({"audio_channels": 1}, "1 channels at 44100 Hz")],
)
def test_a_network_of_other_sound_than_ours_is_named(demucs_network, save_th, tmp_path, changes, said):
    with pytest.raises(WeightsError, match=said):
        load_network(save_th(demucs_network(**changes), tmp_path, "mine"))


@pytest.mark.parametrize(
    ("kind", "segment_s", "samples"),
    [("HTDemucs", None, 22_050), ("HTDemucs", 0.25, 11_025), ("HTDemucs", 44, 22_050), ("HDemucs", 44, 1_940_400)],
)
def test_a_bags_segment_counts_unless_a_transformer_never_heard_as_much(
    demucs_network, save_th, tmp_path, kind, segment_s, samples
):
    path = save_th(demucs_network(kind), tmp_path, "mine")
    assert load_vocals(files(path, segment_s=segment_s)).length == samples
