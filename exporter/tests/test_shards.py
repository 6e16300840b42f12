"""What training reads is what was drawn: every clip of the shards it was told of, and nothing else that lies about."""

import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "train"))
from scenes import data, model

SHARD, SHARDS = 6, 3


class Shards(unittest.TestCase):
    def setUp(self):
        self.kept, data.SHARD = data.SHARD, SHARD
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = Path(folder.name)
        codec = model.Codec()
        codec.fit(torch.from_numpy(np.stack([data.coarse_clip(data.clip_at(i)) for i in range(16)])))
        torch.save({"codec": codec.state_dict(), "std": torch.ones(2, model.CHANNELS)}, self.out / "codec.pt")
        for number in range(SHARDS):
            data.make_shard(self.out, number)

    def tearDown(self):
        data.SHARD = self.kept

    def drawn(self, count: int) -> set[bytes]:
        store = data.Shards(self.out, SHARDS, torch.device("cpu"))
        latents, ids = store.draw(count, 400, np.random.default_rng(1))
        self.assertEqual(ids.shape, (400, data.tokens.MAX_TOKENS))
        return {row.numpy().tobytes() for row in latents}

    def test_every_clip_of_every_shard_is_read(self):
        self.assertEqual(len(self.drawn(SHARDS)), SHARDS * SHARD)
        self.assertEqual(len(self.drawn(1)), SHARD)

    def test_what_a_killed_writer_left_is_not_read(self):
        for name in ("0001.latents.npy.4711.npy", "0003.latents.npy.4711.npy"):
            (self.out / "shards" / name).write_bytes(b"half a file")
        self.assertEqual(len(self.drawn(SHARDS)), SHARDS * SHARD)

    def test_a_shard_that_is_missing_stops_the_training(self):
        (self.out / "shards" / "0002.latents.npy").unlink()
        with self.assertRaises(FileNotFoundError):
            self.drawn(SHARDS)

    def test_a_clip_of_the_shards_is_the_clip_of_its_number(self):
        store, (codec, _) = data.Shards(self.out, SHARDS, torch.device("cpu")), data.load_codec(self.out)
        store.open(SHARDS)
        for index in (0, SHARD, SHARDS * SHARD - 1):
            latent, _ = store.get(np.array([index]), np.random.default_rng(1))
            want = codec.encode(torch.from_numpy(data.coarse_clip(data.clip_at(index)))[None].float())
            self.assertLess(float((latent - want).abs().max()), 0.01)


if __name__ == "__main__":
    unittest.main()
