"""vLLM runs on GPUs alone: here a stand-in with the signatures of vLLM 0.33 says what it was asked."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from resources.captioners import RATE_HZ, TEMPERATURE, TOP_P
from resources.vllm_audio import VllmAudio, chat_of

WINDOWS = [np.full(RATE_HZ, level, np.float32) for level in (0.1, 0.2)]


class SamplingParams:
    def __init__(self, *, temperature=1.0, top_p=1.0, seed=None, max_tokens=16):
        self.temperature, self.top_p, self.seed, self.max_tokens = temperature, top_p, seed, max_tokens


class LLM:
    def __init__(self, model, *, dtype, seed, load_format, max_model_len, max_num_seqs, limit_mm_per_prompt):
        self.model, self.load_format, self.asked = model, load_format, []

    def generate(self, prompts, sampling_params, *, use_tqdm):
        self.asked += zip(prompts, sampling_params, strict=True)
        heard = [prompt["multi_modal_data"]["audio"][0][0][0] for prompt in prompts]
        return [SimpleNamespace(outputs=[SimpleNamespace(text=f" {level:.1f} ")]) for level in heard]


@pytest.fixture
def vllm(monkeypatch):
    module = ModuleType("vllm")
    module.LLM, module.SamplingParams = LLM, SamplingParams
    monkeypatch.setitem(sys.modules, "vllm", module)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    monkeypatch.setenv("VLLM_ENABLE_V1_MULTIPROCESSING", "1")
    return VllmAudio


def test_every_window_is_asked_about_in_the_words_of_its_template(vllm, tmp_path):
    listener = vllm(tmp_path, max_tokens=9)
    assert listener.listen(WINDOWS, "What is this?") == ["0.1", "0.2"]
    (prompt, drawn), _ = listener.engine.asked
    assert prompt["prompt"] == chat_of("What is this?")
    assert prompt["multi_modal_data"]["audio"][0][1] == RATE_HZ
    assert (drawn.temperature, drawn.seed, drawn.max_tokens) == (0.0, None, 9)


def test_an_answer_is_drawn_at_random_only_with_a_seed(vllm, tmp_path):
    listener = vllm(tmp_path)
    listener.listen(WINDOWS[:1], "What is this?", seed=7)
    ((_, drawn),) = listener.engine.asked
    assert (drawn.temperature, drawn.top_p, drawn.seed) == (TEMPERATURE, TOP_P, 7)


def test_only_safetensors_are_loaded(vllm, tmp_path):
    assert vllm(tmp_path).engine.load_format == "safetensors"


def test_a_worker_takes_its_own_gpu_of_those_it_may_see(vllm, tmp_path):
    vllm(tmp_path, device="cuda:1")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "3"


def test_threads_may_listen_at_the_same_time(vllm, tmp_path):
    listener = vllm(tmp_path)
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(lambda window: listener.listen([window], ""), WINDOWS)) == [["0.1"], ["0.2"]]
