"""What is drawn: means and bands over seeds, pictures of states in the program's colours."""

from __future__ import annotations

import math
import re

import pytest

import marginalia
from conftest import SOURCE, add, add_trial

pyplot = pytest.importorskip("matplotlib.pyplot", reason="no matplotlib here")
numpy = pytest.importorskip("numpy")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    pyplot.close("all")


def lines_of(ax):
    return {line.get_label(): line.get_xydata().tolist() for line in ax.get_lines()}


def test_curves_are_means_over_seeds_with_their_standard_error(store_file):
    ax = marginalia.plot_marginal_error(store_file, experiment="sweep", trial=[1, 2])
    # Seeds 0 and 1: 0.1 and 1.1 at size 1; the standard error of two values is half their distance.
    ((label, points),) = lines_of(ax).items()
    assert label == "2 seeds"
    numpy.testing.assert_allclose(points, [[1, 0.6], [2, 0.7], [3, 0.8]])
    band = ax.collections[0].get_paths()[0].vertices
    assert math.isclose(band[:, 1].min(), 0.1) and math.isclose(band[:, 1].max(), 1.3)
    assert ax.get_xlabel() == "number of known sites" and ax.get_ylabel() == "RMSE of log-marginals [nats]"
    assert "mean ± standard error over seeds" in ax.get_legend().get_title().get_text()


def test_curves_are_told_apart_by_what_differs(store_file):
    ax = marginalia.plot_curves(store_file, experiment="sweep", band="range")
    lines = lines_of(ax)
    assert list(lines) == ["learning_rate = 0.001 (2 seeds)", "learning_rate = 0.002 (2 seeds)"]
    # Trial 2 has no loss at step 10: the mean is of what there is.
    numpy.testing.assert_allclose(lines["learning_rate = 0.001 (2 seeds)"], [[10, 11], [20, 6.5]])
    assert ax.get_xlabel() == "training step" and ax.get_ylabel() == "loss"
    ax = marginalia.plot_curves(store_file)
    assert "other (1 seeds)" not in lines_of(ax) and any(label.startswith("other") for label in lines_of(ax))
    ax = marginalia.plot_curves(store_file, experiment="sweep", by=[])
    assert list(lines_of(ax)) == ["4 seeds"]
    given = pyplot.subplots()[1]
    assert marginalia.plot_curves(store_file, ax=given, trial=1, band="none") is given
    assert given.get_legend() is None  # one curve of one seed needs none


def test_nothing_to_draw_is_said(store_file):
    with pytest.raises(marginalia.Error, match="none of these 1 trials has a curve of 'nll_bits'"):
        marginalia.plot_curves(store_file, "nll_bits", trial=1)
    with pytest.raises(marginalia.Error, match=r"none of these 1 trials has samples in the store; Model.sample draws"):
        marginalia.show_samples(store_file, trial=3)
    with pytest.raises(ValueError, match="band is 'sd'; give stderr, range or none"):
        marginalia.plot_curves(store_file, band="sd")


def test_samples_are_pictures(store_file):
    ax = marginalia.show_samples(store_file, trial=1)
    image = ax.get_images()[0].get_array()  # twelve pixels a site, one between pictures
    assert image.shape == (26, 51, 3)
    black, white, unknown, frame = [0] * 3, [255] * 3, [128] * 3, [58, 74, 104]
    assert image[1:25:12, 1:25:12].tolist() == [[black, white], [white, black]]
    assert image[1:25:12, 26:50:12].tolist() == [[white, white], [unknown, black]]
    assert image[0, 0].tolist() == frame and image[12, 25].tolist() == frame


def test_states_given_as_arrays():
    x = numpy.array([[0, 1, 2, 0, 1, 2]] * 5)
    image = marginalia.show_samples(x, shape=(2, 3), n=4).get_images()[0].get_array()
    assert image.shape == (2 * 17 + 1, 2 * 25 + 1, 3)  # eight pixels a site
    assert image[8, 8].tolist() == [0x5F, 0, 0x5F] and image[1, 17].tolist() == [0xFF, 0xFF, 0xD7]
    # Completions (B, n, D): a row of pictures for each given state.
    image = marginalia.show_samples(numpy.zeros([2, 3, 4], int), shape=(2, 2)).get_images()[0].get_array()
    assert image.shape == (2 * 25 + 1, 3 * 25 + 1, 3)
    assert len(marginalia.show_samples(x).get_images()) == 1  # sequences, a row each
    with pytest.raises(ValueError, match="there are no states to show"):
        marginalia.show_samples(x[:0], shape=(2, 3))


def test_texts_and_drawings(connection, tmp_path):
    data = '{"shape": [3], "categories": 27, "states": [[0, 1, 2]], "texts": ["abc"]}'
    add_trial(connection, 6, experiment="texts")
    add(connection, "samples", trial_id=6, name="samples", step=20, kind="states", data=data)
    ax = marginalia.show_samples(tmp_path / "store.db", trial=6)
    assert [text.get_text() for text in ax.texts] == ["abc"]
    drawing = marginalia.show_samples(tmp_path / "store.db", trial=5)
    assert isinstance(drawing, marginalia.Drawing) and drawing._repr_html_().startswith(
        '<img src="data:image/svg+xml;base64,'
    )
    drawing.save(tmp_path / "molecules.svg")
    assert (tmp_path / "molecules.svg").read_text() == "<svg/>"


def test_colours_are_those_of_the_program():
    from marginalia._plots import _GUTTER, _PALETTE, _colours

    source = (SOURCE / "kernel/base/colours.cpp").read_text()
    places = [int(n) for n in re.search(r"palette\[\] = \{([^}]*)\}", source)[1].split(",")]
    levels = [int(n) for n in re.search(r"cube_levels\[\] = \{([^}]*)\}", source)[1].split(",")]
    cube = [bytes([levels[(p - 16) // 36], levels[(p - 16) // 6 % 6], levels[(p - 16) % 6]]).hex() for p in places]
    assert cube == _PALETTE
    header = (SOURCE / "kernel/base/colours.h").read_text()
    assert f"gutter_colour{{{', '.join(map(str, _GUTTER))}," in header
    assert _colours(2).tolist() == [[0] * 3, [255] * 3, [128] * 3]
    assert _colours(20)[-1].tolist() == [215, 95, 95]
