"""Augmentation of a batch."""

import torch

from bench_zoo.torch_parts.augmentation import apply_augmentation, draw_augmentation


def batch(cases: int = 9) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    images = torch.rand(cases, 2, 4, 4, 4, generator=generator)
    return images, torch.rand(cases, 3, 4, 4, 4, generator=generator) < 0.3


def augmented(strength: float, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    images, regions = batch()
    drawn = draw_augmentation(len(images), strength, generator)
    return apply_augmentation(drawn, images, [regions], generator)


def test_mask_and_regions_turn_with_the_image_and_keep_their_values() -> None:
    images, regions = batch()
    images[:, 1] = regions[:, 0].float()
    generator = torch.Generator().manual_seed(1)
    turned, turned_regions = apply_augmentation(
        draw_augmentation(len(images), 1.0, generator), images, [regions], generator
    )
    assert torch.equal(turned[:, 1], turned_regions[:, 0].float())
    assert not torch.equal(turned[:, 1], images[:, 1])
    assert torch.equal(turned_regions.sum(dim=(2, 3, 4)), regions.sum(dim=(2, 3, 4)))


def test_strength_zero_changes_nothing() -> None:
    images, regions = augmented(0.0)
    assert torch.equal(images, batch()[0]) and torch.equal(regions, batch()[1])


def test_the_same_generator_gives_the_same_batch_and_the_input_stays() -> None:
    assert torch.equal(augmented(1.0, seed=5)[0], augmented(1.0, seed=5)[0])
    assert not torch.equal(augmented(1.0, seed=5)[0], augmented(1.0, seed=6)[0])
    images, regions = batch()
    before = images.clone()
    generator = torch.Generator()
    apply_augmentation(draw_augmentation(len(images), 1.0, generator), images, [regions], generator)
    assert torch.equal(images, before)
