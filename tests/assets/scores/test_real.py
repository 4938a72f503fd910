from assets.scores.real import real_tracks


def test_each_of_the_28_real_tracks_has_a_tempo_and_a_key():
    tracks = {track.path.stem: (track.tempo_bpm, track.key) for track in real_tracks()}
    assert len(tracks) == 28
    assert tracks["nostalgic_electronic_2"] == (84.0, "Bb minor")
    assert tracks["energetic_acoustic_1"] == (132.0, "D minor")
    assert all(track.path.is_file() for track in real_tracks())
