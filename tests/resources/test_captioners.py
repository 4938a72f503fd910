from importlib.util import find_spec

import numpy as np
import pytest

from resources.captioners import MEASURED, QWEN, CaptionerChoice, Facts, captioner_of, open_captioner
from resources.models import LocalModel, ModelUnavailable
from resources.qwen_audio import QwenAudio
from resources.weights import WeightsError, sha256_of


def test_facts_are_unknown_until_they_are_measured():
    facts = Facts()
    assert (facts.sung, facts.tempo_bpm, facts.key, facts.sound) == (None, None, None, ())


def test_the_spec_of_the_measured_captioner_is_plain_json():
    assert MEASURED.as_json() == {
        "name": "measured-1", "package": "melisma", "weights_sha256": "", "parameters": {}, "revision": "",
    }  # fmt: skip


def test_nobody_listens_unless_a_model_is_chosen():
    choice = CaptionerChoice()
    assert captioner_of(choice, fetch=True) == LocalModel(MEASURED)
    assert open_captioner(captioner_of(choice), 1) is None


def test_a_folder_of_weights_is_hashed_and_opened(qwen_folder):
    choice = CaptionerChoice(model=QWEN, weights=str(qwen_folder), max_tokens=4, batch=2)
    model = captioner_of(choice, fetch=True)
    assert model.spec.weights_sha256 == sha256_of(qwen_folder)
    listener = open_captioner(model, 1)
    assert isinstance(listener, QwenAudio)
    assert len(listener.listen([np.zeros(16_000, np.float32)], "What is this?")) == 1


def test_other_weights_than_those_asked_for_are_refused(qwen_folder):
    with pytest.raises(WeightsError, match="expected abc"):
        captioner_of(CaptionerChoice(model=QWEN, weights=str(qwen_folder), sha256="abc"), fetch=True)


def test_a_gpu_that_is_not_there_is_named_before_any_work(qwen_folder):
    choice = CaptionerChoice(model=QWEN, weights=str(qwen_folder), device="cuda:99")
    with pytest.raises(ModelUnavailable, match="no CUDA device 99"):
        captioner_of(choice, fetch=True)


def test_what_changes_the_answers_is_part_of_what_the_model_is():
    specs = [
        captioner_of(CaptionerChoice(model=QWEN, **other)).spec
        for other in ({}, {"windows": 2}, {"window_s": 20.0}, {"max_tokens": 64}, {"engine": "vllm"}, {"revision": "a"})
    ]
    assert len(set(specs)) == len(specs)
    assert captioner_of(CaptionerChoice(model=QWEN, device="cuda", batch=9)).spec == specs[0]


def test_a_captioner_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="no captioner is called 'oracle'; there is measured-1, Qwen/Qwen2-Audio"):
        CaptionerChoice(model="oracle")


def test_a_precision_that_no_captioner_has_is_refused():
    with pytest.raises(ValueError, match="does not compute in int8"):
        CaptionerChoice(model=QWEN, precision="int8")


def test_weights_that_were_never_fetched_are_not_opened():
    with pytest.raises(WeightsError, match="not on this machine"):
        open_captioner(captioner_of(CaptionerChoice(model=QWEN)), 1)


@pytest.mark.skipif(find_spec("vllm") is not None, reason="vLLM is installed")
def test_where_there_is_no_vllm_one_sentence_says_what_to_do(qwen_folder):
    with pytest.raises(ModelUnavailable, match=r"vllm is not installed here: pip install 'vllm"):
        captioner_of(CaptionerChoice(model=QWEN, weights=str(qwen_folder), engine="vllm"), fetch=True)
