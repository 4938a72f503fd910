"""What a threshold costs is counted over all batches."""

from assets.report.yields import yields


def sung(*lines):
    words = [{"text": "la", "start_s": 0.0, "end_s": 0.5, "confidence": 0.5}] * 9
    said = {"text": "la", "start_s": 0.0, "end_s": 1.0, "confidence": 0.5}
    return [said | {"trust": trust, "words": words[:count]} for trust, count in lines]


def test_lines_and_words_above_each_threshold_are_counted(ledger, seal_batch):
    row = {"status": "ok", "reason": None, "detail": None, "input_hash": "0", "parameter_hash": "0"}
    seal_batch(ledger, "lyrics", "a", [row | {"track_id": "1", "lines": sung((0.9, 6), (0.4, 2))}])
    seal_batch(ledger, "lyrics", "b", [row | {"track_id": "2", "lines": sung((None, 2), (0.72, 0))}])
    seal_batch(ledger, "lyrics", "c", [row | {"track_id": "3", "status": "rejected"}])
    found = {name: rest for name, *rest in yields(ledger, 0.6)}
    assert found["0.00"] == ["4", "100.0%", "10", "100.0%"]
    assert found["0.60, which windows ask for"] == ["3", "75.0%", "8", "80.0%"]
    assert found["0.95"] == ["1", "25.0%", "2", "20.0%"]


def test_without_lines_there_is_nothing_to_say(ledger):
    assert yields(ledger, 0.5) == []
