"""What models of tables are compared with: normal densities, nearest neighbours, chained equations.

Rows are (N, D) arrays: numbers as they are scaled, words by their number, NaN where a cell is unknown. `categories` (D)
has how many words a column has, 0 for numbers. Each has fill(x), the rows with a best guess in their unknown cells, and
those that are densities log_p(x), of the known cells. All that is to be chosen is chosen by validation rows. Needs
numpy; the last two need scikit-learn."""

import itertools

import numpy

LEAST_DEVIATION = 0.001  # of a normal density, as in the model's own mixtures


def log_sum_exp(values, axis):
    top = values.max(axis=axis, keepdims=True)
    return (top + numpy.log(numpy.exp(values - top).sum(axis=axis, keepdims=True))).squeeze(axis)


def by_pattern(x):
    """Which rows know the same cells: (rows, known (D))."""
    known = ~numpy.isnan(x)
    patterns, which = numpy.unique(known, axis=0, return_inverse=True)
    order = numpy.argsort(which.ravel(), kind="stable")
    ends = numpy.cumsum(numpy.bincount(which.ravel(), minlength=len(patterns)))
    return zip(numpy.split(order, ends[:-1]), patterns)


class Normals:
    """A mixture of `count` normal densities with covariances of their own, diagonal ones if asked; words are
    independent within a component. By maximum likelihood (EM) of the rows that lack no cell; `floor` is added to the
    variances. The density of any part of a row is exact. Of one component these are the column means, if diagonal, or
    the plain Gaussian."""

    def __init__(self, categories, count=1, floor=LEAST_DEVIATION**2, diagonal=False, rounds=100):
        self.categories, self.count, self.rounds = numpy.asarray(categories), count, rounds
        self.floor, self.diagonal = max(floor, LEAST_DEVIATION**2), diagonal
        self.real = numpy.flatnonzero(self.categories == 0)
        self.words = numpy.flatnonzero(self.categories)

    def fit(self, x, seed=0):
        x = x[~numpy.isnan(x).any(axis=1)]
        generator = numpy.random.default_rng(seed)
        centres = x[generator.choice(len(x), self.count, replace=False)][:, self.real]
        nearest = ((x[:, None, self.real] - centres) ** 2).sum(2).argmin(1)
        share, before = numpy.eye(self.count)[nearest], -numpy.inf
        for _ in range(self.rounds):
            self._maximise(x, share)
            joint, _ = self._parts(x, numpy.ones(x.shape[1], bool))
            log_p = log_sum_exp(joint, 1)
            share = numpy.exp(joint - log_p[:, None])
            if log_p.mean() - before < 1e-5:
                break
            before = log_p.mean()
        return self

    def _maximise(self, x, share):
        mass = share.sum(0) + 1e-9
        values = x[:, self.real]
        self.log_weight = numpy.log(mass / mass.sum())
        self.mean = share.T @ values / mass[:, None]
        self.covariance = numpy.empty((self.count, len(self.real), len(self.real)))
        for k in range(self.count):
            away = values - self.mean[k]
            self.covariance[k] = (share[:, k, None] * away).T @ away / mass[k] + self.floor * numpy.eye(len(self.real))
        if self.diagonal:
            self.covariance *= numpy.eye(len(self.real))
        self.log_word = {}
        for d in self.words:
            counts = share.T @ numpy.eye(self.categories[d])[x[:, d].astype(int)] + 0.5 / self.count
            self.log_word[d] = numpy.log(counts / counts.sum(1, keepdims=True))

    def _parts(self, x, known):
        """log p of the component and the known cells, and the mean of all real columns given these: (n, K), (n, K,
        R)."""
        seen = known[self.real]
        away = x[:, self.real][:, None, seen] - self.mean[None, :, seen]
        within = self.covariance[:, seen][:, :, seen]
        factor = numpy.linalg.cholesky(within)
        z = numpy.linalg.solve(factor, away.transpose(1, 2, 0))  # (K, s, n)
        log_det = numpy.log(numpy.diagonal(factor, axis1=1, axis2=2)).sum(1)
        joint = self.log_weight - log_det - 0.5 * (z**2).sum(1).T - 0.5 * seen.sum() * numpy.log(2 * numpy.pi)
        for d in self.words[known[self.words]]:
            joint = joint + self.log_word[d][:, x[:, d].astype(int)].T
        gain = numpy.linalg.solve(within, self.covariance[:, seen])  # (K, s, R)
        return joint, self.mean + numpy.einsum("nks,ksr->nkr", away, gain)

    def log_p(self, x):
        log_p = numpy.empty(len(x))
        for rows, known in by_pattern(x):
            log_p[rows] = log_sum_exp(self._parts(x[rows], known)[0], 1)
        return log_p

    def fill(self, x):
        filled = x.copy()
        for rows, known in by_pattern(x):
            joint, mean = self._parts(x[rows], known)
            share = numpy.exp(joint - log_sum_exp(joint, 1)[:, None])
            guess = numpy.empty((len(rows), x.shape[1]))
            guess[:, self.real] = numpy.einsum("nk,nkr->nr", share, mean)
            for d in self.words:
                guess[:, d] = (share @ numpy.exp(self.log_word[d])).argmax(1)
            filled[numpy.ix_(rows, ~known)] = guess[:, ~known]
        return filled


def chosen_normals(categories, train, validation, counts, floors=(1e-6, 1e-3, 1e-2, 1e-1), most=3000):
    """The mixture of one of these numbers of components and floors whose validation rows have the highest density,
    where it learns from `most` rows; then it learns from all."""
    fitted = [
        Normals(categories, count, floor).fit(train[:most])
        for count, floor in itertools.product(counts, floors)
        if count * len(categories) < len(train[:most])
    ]
    chosen = max(fitted, key=lambda model: model.log_p(validation).mean())
    return chosen if len(train) <= most else Normals(categories, chosen.count, chosen.floor).fit(train)


class OneHot:
    """For imputers of numbers: a column of words as columns of 0 and 1 for each of them but the first, which is what
    the others leave over. With a column for the first one as well each would follow from the others, and regressions
    learn nothing else."""

    def __init__(self, categories, imputer):
        self.categories, self.imputer = categories, imputer
        self.ends = numpy.cumsum([max(count - 1, 1) for count in categories])

    def spread(self, x):
        columns = []
        for d, count in enumerate(self.categories):
            known = ~numpy.isnan(x[:, d])
            part = numpy.full((len(x), max(count - 1, 1)), numpy.nan)
            part[known] = numpy.eye(count)[x[known, d].astype(int)][:, 1:] if count else x[known, d, None]
            columns.append(part)
        return numpy.concatenate(columns, axis=1)

    def fit(self, x):
        self.imputer.fit(self.spread(x))
        return self

    def fill(self, x):
        filled = x.copy()
        parts = numpy.split(self.imputer.transform(self.spread(x)), self.ends[:-1], axis=1)
        for d, part in enumerate(parts):
            if self.categories[d]:
                part = numpy.column_stack([1 - part.sum(1), part]).argmax(1)[:, None]
            unknown = numpy.isnan(x[:, d])
            filled[unknown, d] = part[unknown, 0]
        return filled


def guess_error(model, categories, rows, hidden):
    """Of hidden cells: the mean of squared errors of numbers and of wrong words."""
    away = (model.fill(numpy.where(hidden, numpy.nan, rows)) - rows)[hidden]
    words = numpy.broadcast_to(numpy.asarray(categories) > 0, hidden.shape)[hidden]
    return numpy.nanmean(numpy.where(words, away != 0, away**2))


def chosen_neighbours(categories, train, validation, hidden, counts=(1, 3, 10, 30)):
    """k-nearest neighbours, k being that of the least error in the hidden cells of the validation rows."""
    from sklearn.impute import KNNImputer

    return min(
        (OneHot(categories, KNNImputer(n_neighbors=k)).fit(train) for k in counts),
        key=lambda model: guess_error(model, categories, validation, hidden),
    )


def chained_equations(categories, train, validation, hidden, rounds=40):
    """MICE: Bayesian ridge regression of each column by all others, in 40 rounds. It learns from the rows as they are,
    or with a random half of their cells hidden, whichever serves the validation rows better; and from these, without
    their hidden cells, as scikit-learn's imputer learns one round alone of rows that lack nothing."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer

    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    half = numpy.where(numpy.random.default_rng(2).random(train.shape) < 0.5, numpy.nan, train)
    asked = numpy.where(hidden, numpy.nan, validation)
    return min(
        (
            OneHot(categories, IterativeImputer(max_iter=rounds, random_state=0)).fit(numpy.concatenate([rows, asked]))
            for rows in (train, half)
        ),
        key=lambda model: guess_error(model, categories, validation, hidden),
    )
