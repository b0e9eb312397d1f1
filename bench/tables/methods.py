"""Models and baselines under one interface, for compare.py: rows are data frames in the columns' units, with words; log
p is in nats of columns as they are scaled, of the known cells; guesses are arrays of scaled rows."""

import math

import numpy
import pandas


class Coding:
    """A table's columns as the model that learnt from it has them: numbers less a mean by a deviation, words by their
    number."""

    def __init__(self, columns):
        self.names = [column["name"] for column in columns]
        self.words = [column["words"] for column in columns]
        self.categories = [column["categories"] for column in columns]
        self.centre = numpy.array([column["centre"] for column in columns])
        self.scale = numpy.array([column["scale"] for column in columns])
        self.is_word = numpy.array(self.categories) > 0

    def read(self, file):
        """As texts and numbers, for the models."""
        return pandas.read_csv(file, dtype={name: str for name, words in zip(self.names, self.words) if words})[
            self.names
        ]

    def scaled(self, frame):
        cells = numpy.full(frame.shape, numpy.nan)
        for d, words in enumerate(self.words):
            column = frame[self.names[d]]
            cells[:, d] = column.astype(object).map({word: k for k, word in enumerate(words)}) if words else column
        return (cells - self.centre) / self.scale

    def log_scale(self, known):
        """What a log-density of these cells is more by when the columns are scaled."""
        return (known & ~self.is_word) @ numpy.log(self.scale)


def observed_half(known, generator):
    """A random half of the known cells of each row."""
    rank = numpy.where(known, generator.random(known.shape), 2).argsort(1).argsort(1)
    return rank < known.sum(1, keepdims=True) // 2


class ByMarginals:
    """A trial's model: log p of any part in one pass."""

    name = "one pass of the marginals"

    def __init__(self, model, coding):
        self.model, self.coding = model, coding

    def log_p(self, x):
        return self.model.log_marginal(x).to_numpy() + self.coding.log_scale(x.notna().to_numpy())

    def conditional(self, x, given):
        return self.log_p(x) - self.log_p(given)

    def passes(self, hidden):
        return 2.0

    def fill(self, x):
        return self.coding.scaled(self.model.impute(x))


class ByConditionals(ByMarginals):
    """The same model: one cell after another, in a random order, a pass of the conditionals each."""

    name = "a pass a cell"

    def conditional(self, x, given):
        numbers, state = x.copy(), given.copy()
        hidden = (x.notna() & given.isna()).to_numpy()
        rank = numpy.where(hidden, numpy.random.default_rng(0).random(hidden.shape), 2).argsort(1).argsort(1)
        total = numpy.zeros(len(x))
        for step in range(hidden.sum(1).max()):
            now = hidden & (rank == step)
            log_p = self.model.log_conditionals(state, numbers)
            total += numpy.where(now, log_p, 0).sum(1) + self.coding.log_scale(now)
            state = state.where(~now, x)
        return total

    def log_p(self, x):
        return self.conditional(x, x.mask(numpy.ones(x.shape, bool)))

    def passes(self, hidden):
        return hidden.sum(1).mean()


class Baseline:
    """One of baselines.py, of scaled rows."""

    def __init__(self, name, model, coding):
        self.name, self.model, self.coding = name, model, coding

    def log_p(self, x):
        return self.model.log_p(self.coding.scaled(x))

    def conditional(self, x, given):
        return self.log_p(x) - self.log_p(given)

    def passes(self, hidden):
        return math.nan

    def fill(self, x):
        return self.model.fill(self.coding.scaled(x))
