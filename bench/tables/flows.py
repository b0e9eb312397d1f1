"""The five data sets of the flow literature, out of the archive that `marginalia data get power` keeps: the columns,
noise and splits of Papamakarios, Pavlakou and Murray (Masked autoregressive flow for density estimation, 2017), before
they are scaled.

Of each (the rows for training and behind them those for validation, how many of these are for validation, test rows),
as arrays. gas is a pickle, which runs code of its author when it is read, so the archive has to be the published one.
bsds300 needs h5py."""

import collections
import hashlib
import io
import tarfile

import numpy
import pandas

MD5 = "9b9c9b0375315ad270eba4ce80c093ab"
NAMES = ("power", "gas", "hepmass", "miniboone", "bsds300")


def rows_of(name, archive, md5=MD5):
    with open(archive, "rb") as file:
        if hashlib.file_digest(file, "md5").hexdigest() != md5:
            raise SystemExit(f"{archive} is not the published archive; get it again by: marginalia data get {name}")
    with tarfile.open(archive) as members:
        return globals()[name](lambda path: io.BytesIO(members.extractfile(f"data/{path}").read()))


def in_tenths(rows):
    """The last tenth is the test, and the last tenth of the others for validation."""
    tests = int(0.1 * len(rows))
    rest = rows[:-tests]
    return rest, int(0.1 * len(rest)), rows[-tests:]


def power(member):
    rows = numpy.load(member("power/data.npy"))
    generator = numpy.random.RandomState(42)
    generator.shuffle(rows)
    rows = numpy.delete(rows, [1, 3], axis=1)  # reactive power and intensity, which follow from the others nearly
    voltage, active, meters = (
        0.01 * generator.rand(len(rows), 1),
        0.001 * generator.rand(len(rows), 1),
        generator.rand(len(rows), 3),
    )
    return in_tenths(rows + numpy.hstack([active, voltage, meters, numpy.zeros((len(rows), 1))]))


def gas(member):
    rows = pandas.read_pickle(member("gas/ethylene_CO.pickle")).drop(columns=["Meth", "Eth", "Time"])
    while True:
        alike = (rows.corr() > 0.98).sum(axis=1).to_numpy()
        if alike.max() <= 1:
            return in_tenths(rows.to_numpy())
        rows = rows.drop(columns=rows.columns[numpy.flatnonzero(alike > 1)[0]])


def hepmass(member):
    train, test = (pandas.read_csv(member(f"hepmass/1000_{part}.csv"), index_col=False) for part in ("train", "test"))
    train, test = (part[part.iloc[:, 0] == 1].iloc[:, 1:].to_numpy() for part in (train, test))
    test = test[:, : train.shape[1]]  # its last column is the label once more
    counts = [collections.Counter(column) for column in train.T]
    kept = [
        d for d, count in enumerate(counts) if count[min(count)] <= 5
    ]  # a smallest value that comes again and again: discrete
    return train[:, kept], int(0.1 * len(train)), test[:, kept]


def miniboone(member):
    return in_tenths(numpy.load(member("miniboone/data.npy")))


def bsds300(member):
    import h5py

    with h5py.File(member("BSDS300/BSDS300.hdf5")) as file:
        train, validation, test = (file[part][...] for part in ("train", "validation", "test"))
    return numpy.concatenate([train, validation]), len(validation), test
