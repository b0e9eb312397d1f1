"""log Z of the φ⁴ field of phi4.toml without a model: an integration over κ by hybrid Monte Carlo.

d log Z / dκ = 2 <sum over neighbours of φ φ'>, from κ = 0, where sites are independent. Prints log Z with its standard
error, and means of φ² and |m| at the end. Needs numpy. Arguments: rows columns kappa lambda [sweeps].
"""

import sys

import numpy as np

CHAINS, NODES, STEPS = 256, 12, 10  # chains; Gauss-Legendre nodes in κ; leapfrog steps of a trajectory


def hopping(phi):
    return (phi * (np.roll(phi, -1, 1) + np.roll(phi, -1, 2))).sum((1, 2))


def neighbours(phi):
    return sum(np.roll(phi, shift, axis) for axis in (1, 2) for shift in (1, -1))


class Field:
    def __init__(self, kappa, lam):
        self.kappa, self.lam = kappa, lam

    def log_f(self, phi):
        return 2 * self.kappa * hopping(phi) - ((1 - 2 * self.lam) * phi**2 + self.lam * phi**4).sum((1, 2))

    def force(self, phi):
        return 2 * self.kappa * neighbours(phi) - 2 * (1 - 2 * self.lam) * phi - 4 * self.lam * phi**3

    def trajectory(self, phi, random):
        """Ten steps of a time that varies, so that no wave comes back to where it was."""
        step = 0.15 * (1 + 0.3 * random.uniform(-1, 1))
        momentum = random.standard_normal(phi.shape)
        before = self.log_f(phi) - (momentum**2).sum((1, 2)) / 2
        new, p = phi, momentum + step / 2 * self.force(phi)
        for i in range(STEPS):
            new = new + step * p
            p = p + (step if i < STEPS - 1 else step / 2) * self.force(new)
        gain = self.log_f(new) - (p**2).sum((1, 2)) / 2 - before
        accept = np.log(random.uniform(size=gain.shape)) < gain
        return np.where(accept[:, None, None], new, phi), accept.mean()


def mean_over_chains(values):
    """Mean and standard error from the chains' own means, which are independent: (sweeps, chains)."""
    own = values.mean(0)
    return own.mean(), own.std(ddof=1) / np.sqrt(own.size)


def run(field, shape, sweeps, random):
    phi = random.standard_normal((CHAINS, *shape)) * 0.7
    bonds, squares, magnets, accepted = [], [], [], []
    for sweep in range(sweeps + sweeps // 4):
        phi, share = field.trajectory(phi, random)
        if random.uniform() < 0.5:
            phi = -phi
        if sweep < sweeps // 4:
            continue
        accepted.append(share)
        bonds.append(hopping(phi))
        squares.append((phi**2).mean((1, 2)))
        magnets.append(abs(phi.mean((1, 2))))
    return [mean_over_chains(np.array(each)) for each in (bonds, squares, magnets)], np.mean(accepted)


def main():
    rows, columns, kappa, lam = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
    sweeps = int(sys.argv[5]) if len(sys.argv) > 5 else 1000
    random = np.random.default_rng(0)
    y = np.linspace(-12, 12, 20001)
    alone = np.log(np.exp(-(1 - 2 * lam) * y**2 - lam * y**4).sum() * (y[1] - y[0]))
    log_z, variance = rows * columns * alone, 0.0
    places, weights = np.polynomial.legendre.leggauss(NODES)
    for place, weight in zip((places + 1) / 2 * kappa, weights * kappa / 2):
        (bonds, _, _), share = run(Field(place, lam), (rows, columns), sweeps, random)
        log_z += 2 * weight * bonds[0]
        variance += (2 * weight * bonds[1]) ** 2
        print(f"kappa {place:.4f}: bonds {bonds[0]:.4f} +- {bonds[1]:.4f}, accepted {share:.3f}", flush=True)
    (_, square, magnet), _ = run(Field(kappa, lam), (rows, columns), sweeps, random)
    print(f"log Z {log_z:.5f} +- {variance**0.5:.5f}")
    print(f"square {square[0]:.5f} +- {square[1]:.5f}, abs_magnetisation {magnet[0]:.5f} +- {magnet[1]:.5f}")


if __name__ == "__main__":
    main()
