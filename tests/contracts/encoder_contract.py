"""What every encoder does; subclass it and give it an `encoder` fixture."""

import threading

import numpy as np

from limner.inference.encoder import Encoder

__all__ = ["EncoderContract"]


class EncoderContract:
    def test_is_an_encoder_with_an_identity(self, encoder: Encoder) -> None:
        assert isinstance(encoder, Encoder)
        assert encoder.name
        assert encoder.version
        assert encoder.dimension > 0

    def test_vectors_are_unit_rows_of_float32(self, encoder: Encoder) -> None:
        for vectors in (encoder.encode_query(["tea", "coffee"]), encoder.encode_documents(["tea", "coffee"])):
            assert vectors.shape == (2, encoder.dimension)
            assert vectors.dtype == np.float32
            np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)

    def test_no_text_gives_no_row(self, encoder: Encoder) -> None:
        assert encoder.encode_query([]).shape == (0, encoder.dimension)
        assert encoder.encode_documents([]).shape == (0, encoder.dimension)

    def test_a_text_without_words_has_a_vector_too(self, encoder: Encoder) -> None:
        vectors = encoder.encode_documents(["", "  ", "!?", "日本"])
        assert np.isfinite(vectors).all()
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)

    def test_the_same_text_gives_the_same_vector(self, encoder: Encoder) -> None:
        alone = encoder.encode_documents(["She collects stamps."])
        among_others = encoder.encode_documents(["a much longer text " * 20, "She collects stamps.", "x"])
        np.testing.assert_allclose(alone[0], among_others[1], atol=1e-5)

    def test_alike_texts_are_nearer_than_others(self, encoder: Encoder) -> None:
        question = encoder.encode_query(["Does she like horror films?"])
        liked, other = encoder.encode_documents(["She likes horror films.", "The train leaves at noon."])
        assert question[0] @ liked > question[0] @ other + 0.2

    def test_threads_may_share_it(self, encoder: Encoder) -> None:
        expected = encoder.encode_documents(["tea"])
        found: list[np.ndarray] = []
        threads = [
            threading.Thread(target=lambda: found.append(encoder.encode_documents(["tea"]))) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 4
        for vectors in found:
            np.testing.assert_allclose(vectors, expected, atol=1e-5)
