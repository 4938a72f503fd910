"""Qwen2-Audio itself, small and random: saved as the hub's model is, and loaded through the same code."""

import logging
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from resources.captioners import RATE_HZ, TEMPERATURE, TOP_P, Question
from resources.qwen_audio import Draw, QwenAudio, likely
from resources.vllm_audio import chat_of
from resources.weights import WeightsError

PROMPT = "What is this?"


@pytest.fixture(scope="module")
def qwen(qwen_folder):
    return QwenAudio(qwen_folder, batch=4, max_tokens=16)


@pytest.fixture(scope="module")
def windows():
    random = np.random.default_rng(0)
    seconds = (30.0, 4.0, 11.5)
    noise = [random.standard_normal(int(s * RATE_HZ)).astype(np.float32) for s in seconds]
    return [
        0.1 * audio * np.sin(np.arange(len(audio)) * hz).astype(np.float32)
        for audio, hz in zip(noise, (0.1, 1, 3), strict=True)
    ]


def test_windows_of_a_batch_are_answered_as_each_alone(qwen, windows):
    together = qwen.listen(windows, PROMPT)
    assert together == [qwen.listen([window], PROMPT)[0] for window in windows]
    assert len(set(together)) > 1, "answers that do not depend on the audio prove nothing"


def test_a_longer_prompt_in_the_batch_changes_no_answer(qwen, windows):
    short, _ = qwen._answers([Question(windows[0], PROMPT, None), Question(windows[1], 9 * PROMPT, None)])
    assert short == qwen.listen(windows[:1], PROMPT)[0]


def test_only_what_the_model_says_is_in_an_answer(qwen, windows):
    (answer,) = qwen.listen(windows[:1], PROMPT)
    assert PROMPT not in answer
    assert "assistant" not in answer
    assert "<|" not in answer


def test_a_seed_draws_the_same_answer_again_whatever_else_was_drawn(qwen, windows):
    first = qwen.listen(windows, PROMPT, seed=1)
    torch.manual_seed(99)
    assert qwen.listen(windows[1:], PROMPT, seed=1) == first[1:]


def test_another_seed_gives_another_answer(qwen, windows):
    drawn = {tuple(qwen.listen(windows, PROMPT, seed)) for seed in (None, 1, 2)}
    assert len(drawn) == 3


def test_what_is_drawn_comes_as_often_as_the_model_thinks():
    logits = torch.tensor([2.0, 1.0, 0.0, -5.0])
    expected = likely(logits / TEMPERATURE).softmax(-1)
    assert expected[3] == 0
    draw = Draw([7], torch.device("cpu"))
    drawn = [int(draw(None, logits[None].clone()).argmax()) for _ in range(4000)]
    share = np.bincount(drawn, minlength=4) / len(drawn)
    np.testing.assert_allclose(share, expected, atol=0.03)


def test_the_most_likely_token_is_never_ruled_out():
    sure = likely(torch.tensor([9.0, 0.0, 0.0]))
    assert torch.isfinite(sure).tolist() == [True, False, False]
    assert 0 < TOP_P < 1


def test_threads_may_listen_at_the_same_time(qwen, windows):
    alone = [qwen.listen([window], PROMPT)[0] for window in windows]
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda window: qwen.listen([window], PROMPT), windows))
    assert found == [[answer] for answer in alone]


def test_too_large_a_batch_is_halved_once_and_that_is_said(qwen_folder, windows, caplog):
    qwen = QwenAudio(qwen_folder, batch=4, max_tokens=4)
    roomy = qwen.listen([*windows, windows[0]], PROMPT)
    generate = qwen.model.generate

    def with_room_for_two(**inputs):
        if len(inputs["input_ids"]) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return generate(**inputs)

    qwen.model.generate = with_room_for_two
    with caplog.at_level(logging.WARNING):
        assert qwen.listen([*windows, windows[0]], PROMPT) == roomy
    assert qwen.together.size == 2
    assert [record.message for record in caplog.records] == ["no room on cpu for 4 windows at a time: 2 from now on"]


def test_a_device_without_room_for_half_a_batch_is_out_of_memory(qwen_folder, windows):
    qwen = QwenAudio(qwen_folder, batch=4, max_tokens=4)

    def without_room(**inputs):
        raise torch.OutOfMemoryError("CUDA out of memory")

    qwen.model.generate = without_room
    with pytest.raises(MemoryError, match="no room on cpu for 2 windows"):
        qwen.listen([*windows, windows[0]], PROMPT)


def test_half_precision_answers_too(qwen_folder, windows):
    qwen = QwenAudio(qwen_folder, precision="bfloat16", max_tokens=4)
    assert len(qwen.listen(windows, PROMPT)) == 3


def test_an_empty_or_too_long_window_is_refused(qwen):
    with pytest.raises(ValueError, match="a window is from 1 to 480000 samples"):
        qwen.listen([np.zeros(31 * RATE_HZ, np.float32)], PROMPT)
    with pytest.raises(ValueError, match="a window is from 1 to 480000 samples"):
        qwen.listen([np.zeros(0, np.float32)], PROMPT)


def test_a_pickled_checkpoint_is_refused(qwen_folder, tmp_path):
    for file in qwen_folder.iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(WeightsError, match="as safetensors"):
        QwenAudio(tmp_path)


def test_weights_are_named_as_in_the_published_model_and_every_one_is_loaded(qwen_folder, qwen):
    saved = load_file(qwen_folder / "model.safetensors")
    assert {"language_model.lm_head.weight", "language_model.model.norm.weight"} <= set(saved)
    loaded = qwen.model.state_dict()
    assert torch.equal(loaded["lm_head.weight"], saved["language_model.lm_head.weight"])
    assert len(loaded) == len(saved)


def test_a_checkpoint_that_lacks_weights_is_refused(qwen_folder, tmp_path):
    for file in qwen_folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    del weights["multi_modal_projector.linear.weight"]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(WeightsError, match=r"no weights for model\.multi_modal_projector\.linear\.weight"):
        QwenAudio(tmp_path)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="does not hold Qwen2-Audio"):
        QwenAudio(tmp_path)


def test_both_engines_ask_with_the_same_words(qwen):
    assert qwen._chat(PROMPT) == chat_of(PROMPT)
