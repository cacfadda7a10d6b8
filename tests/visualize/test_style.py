"""The palette stays readable for colour-blind eyes, and figures are opaque."""

import io
import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from convbert_edu.visualize.style import PART_COLOURS, STYLE, part_colour, use_style

# How the three cones' failures change linear RGB, after Machado, Oliveira and Fernandes (2009), severity 1.
EYES = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
RGB_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def as_seen(colour: str, eye: str) -> np.ndarray:
    """The CIELAB coordinates of a colour as an eye sees it; distances between them are differences seen."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = RGB_TO_XYZ @ np.clip(EYES[eye] @ linear, 0, 1) / RGB_TO_XYZ.sum(axis=1)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("eye", EYES)
def test_no_two_parts_look_alike(eye):
    for first, second in itertools.combinations(PART_COLOURS, 2):
        difference = np.linalg.norm(as_seen(PART_COLOURS[first], eye) - as_seen(PART_COLOURS[second], eye))
        assert difference > 15, (first, second)  # 2.3 is just noticeable


def test_an_unknown_part_is_named_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'querry' has no colour; choose one of .*'query'"):
        part_colour("querry")


def test_figures_are_opaque_white():
    with plt.rc_context():
        use_style()
        fig, _ = plt.subplots()
        buffer = io.BytesIO()
        fig.savefig(buffer, format="png")
        plt.close(fig)
    buffer.seek(0)
    assert plt.imread(buffer)[0, 0].tolist() == [1, 1, 1, 1]


def test_the_style_names_only_settings_that_matplotlib_has():
    assert STYLE.keys() <= plt.rcParams.keys()
