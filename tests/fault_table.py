"""The catalogue's rows 1 to 45: what is done to good patients, and what must follow."""

import gzip

import faults as f
import numpy as np
from faults import FLAIR, GOOD, SEG, T1, T1CE, T2, Fault, raw
from patients import BRAIN

NAN, INF = float("nan"), float("inf")

SCANS = {"t1": T1, "t1ce": T1CE, "t2": T2, "flair": FLAIR}
ODD_NAMES = (
    *("Übung", "U\u0308bung", "患者 一", "{case}", "%s%d", "a\nb", "x" * 240, "-rf"),
    *('it\'s "so"', "a;b&c", "$HOME", "P_1 (1)", "t1", "#1", "null", "seg", "P1.nii"),
)


def made(
    row, codes="", says=(), near=None, lost=("P1",), phantoms=False, **injections
) -> list[Fault]:
    """Return several ways to one fault: keywords are their names."""
    return [
        Fault(row, name, inject, codes, says, near, lost, phantoms)
        for name, inject in injections.items()
    ]


def each(inject, *values, name="{}"):
    """Return an injection for each value, by name."""
    return {name.format(value): inject(value) for value in values}


FAULTS = [
    *made(1, "E-ROOT", ("<case>/<case>_{t1,t1ce",), lost=GOOD, gone=f.gone),
    *made(1, "E-ROOT", ("no patients: 0 files",), lost=GOOD, empty=f.emptied),
    *made(1, "E-ROOT", ("a file and not a folder",), lost=GOOD, file=f.a_file),
    *(
        fault
        for role, path in SCANS.items()
        for fault in made(
            2,
            "E-MISSING",
            (f"patient P1 has no {role} ", f"tried: {role}: "),
            f.plain(relative=path),
            **{role: f.removed(path)},
        )
    ),
    *made(3, "E-MISSING", ("no mask",), f.plain(relative=SEG), mask=f.removed(SEG)),
    *made(
        4,
        "E-MISSING",
        ("found 1 unmatched NIfTI", "rename to P1_seg.nii.gz"),
        f.number_355,
        hospitals_name=f.renamed((SEG, "P1/W39_1998.09.19_Segm.nii.gz")),
    ),
    *made(
        5,
        "E-AMBIGUOUS",
        ("'P1/P1_t1.nii'", "'P1/P1_t1.nii.gz'"),
        f.linked("P1/P1_t1.nii", "P1_t1.nii.gz"),
        plain_and_packed=f.added("P1/P1_t1.nii", T1),
    ),
    *made(
        6,
        two_years=f.renamed((T1CE, "P1/P1-t1c.nii.gz"), (FLAIR, "P1/P1-t2f.nii.gz")),
        capitals=f.renamed((T1CE, "P1/P1_T1GD.NII.GZ")),
    ),
    *made(
        6,
        "E-MISSING E-NAME",
        ("'fl'", "P1_flair.nii.gz"),
        f.renamed((FLAIR, "P1/P1_t2f.nii.gz")),
        unknown=f.renamed((FLAIR, "P1/P1_fl.nii.gz")),
    ),
    *made(7, **{ascii(name)[1:20]: f.called(name) for name in ODD_NAMES}),
    *made(
        8,
        "E-READ E-MISSING",
        near=f.moved_out_and_linked,
        dangling=f.linked(T1, "nowhere.nii.gz"),
        loop=f.linked(T1, "P1_t1.nii.gz"),
    ),
    *made(
        8,
        "E-READ",
        ("never ends",),
        f.linked("P1/again", "P1_t1.nii.gz"),
        lost=(),
        folder_loop=f.linked("P1/again", ".."),
    ),
    *made(
        10,
        "E-DUP-ID",
        ("'P1'", "'again/P1'"),
        f.linked("again", "P1"),
        copied=f.copied("again/P1", at="P1"),
    ),
    *made(
        11,
        "E-DUP-DATA",
        ("t1, t1ce, t2, flair of P4", "scans of P1"),
        f.copied("P4", touched=True),
        lost=("P4",),
        two_ids=f.copied("P4"),
    ),
    *made(15, "E-ROOT", ("no patients",), f.only(3), GOOD, none=f.only(0)),
    *made(15, "E-FEW", ("have 1", "at least 3"), f.only(3), GOOD[1:], one=f.only(1)),
    *made(15, "E-FEW", ("have 2", "at least 3"), f.only(3), GOOD[2:], two=f.only(2)),
    *made(
        16,
        "E-DUP-ID",
        ("'P1', 'p1'",),
        f.copied("p10", touched=True),
        capitals=f.copied("p1", touched=True, at="P1"),
    ),
    *made(17, leftovers=f.leftovers),
    *made(
        17,
        "E-AMBIGUOUS",
        ("P1_t1.nii.gz'",),
        f.added("P1/P1_t1 (1).txt", b"notes"),
        **each(
            lambda name: f.added(f"P1/{name}.nii.gz", T1),
            *("P1_t1 (1)", "Copy of P1_t1", "P1_t1 - Copy", "P1_t1 copy"),
        ),
    ),
    *made(18, "E-NII-EMPTY", ("0 bytes",), gz=raw(f.becomes(b""))),
    *made(18, "E-NII-EMPTY", ("0 bytes",), f.plain(), nii=f.plain(f.becomes(b""))),
    *made(
        19,
        "E-NII-SHORT",
        ("have ", " bytes, need "),
        f.plain(),
        **each(lambda n: f.plain(f.cut(n)), 0.001, 0.02, 0.04, 0.5, 0.9999),
    ),
    *made(
        20,
        "E-NII-GZ",
        near=raw(lambda content: content + bytes(512)),
        **each(lambda n: raw(f.cut(n)), *np.linspace(0.001, 0.9999, 20), name="{:.3f}"),
    ),
    *made(
        21,
        "E-NII-GZ",
        near=raw(f.flipped(5)),  # When it was packed, which says nothing.
        **each(lambda n: raw(f.flipped(n)), *range(100, 3700, 150), *range(-8, 0)),
    ),
    *made(
        22,
        "E-NII-GZ",
        ("content is not gzip", "Rename it to P1_t1.nii"),
        f.plain(),
        plain=raw(gzip.decompress),
    ),
    *made(
        22,
        "E-NII-GZ",
        ("content is gzip", "Rename it to P1_t1.nii.gz"),
        f.plain(),
        gzip=raw(bytes, name="P1_t1.nii"),
    ),
    *(
        fault
        for kind, content in f.FOREIGN.items()
        for fault in made(
            23,
            "E-NII-TYPE",
            (kind,),
            **{kind: raw(f.becomes(content))},
            **{f"{kind} as .nii": raw(f.becomes(content), name="P1_t1.nii")},
        )
    ),
    *made(24, "E-NII-DIMS", ("2000,",), lie=f.packed(f.lie), lie_in_nii=f.plain(f.lie)),
    *made(25, "E-NII-BOMB", near=raw(lambda c: c + bytes(2**16)), bomb=raw(f.bomb)),
    *made(
        26,
        "E-NII-DIMS",
        near=f.dims(3, 24, 20, 12),
        negative=f.dims(3, -24, 20, 12),
        zero=f.dims(3, 24, 0, 12),
        largest=f.dims(3, 32767, 32767, 32767),
        eight_axes=f.dims(8, 24, 20, 12),
        no_axes=f.dims(0, 24, 20, 12),
    ),
    *made(27, "E-NII-NDIM", ("[24, 20]", "3-D"), plane=f.packed(f.one_plane)),
    *made(27, "E-NII-NDIM", ("2 volumes", "split"), four=f.packed(f.axes_behind(2))),
    *made(27, one=f.packed(f.axes_behind(1)), two_ones=f.packed(f.axes_behind(1, 1))),
    *made(
        28,
        "E-NII-DTYPE",
        ("one real number a voxel",),
        f.header(datatype=512),
        **each(lambda n: f.header(datatype=n), 128, 2304, 32, 1792, 1536, 0, 7777),
    ),
    *made(
        28,
        **each(
            lambda kind: f.voxels(T2, lambda data: data.astype(kind)),
            *("u2", "i4", "u4", "i8", "u8", "f4", "f8"),
        ),
    ),
    *(
        fault
        for value in (NAN, INF, -INF)
        for fault in (
            *made(
                29,
                "E-NII-NONFINITE",
                ("1 of 5760 voxels", "first at [5, 5, 5]"),
                f.voxels(T1, f.put(199, dtype="f4")),
                **{f"{value} once": f.voxels(T1, f.put(value, dtype="f4"))},
            ),
            *made(
                29,
                "E-NII-NONFINITE",
                ("5760 of 5760 voxels", "first at [0, 0, 0]"),
                **{f"{value} only": f.voxels(T1, f.put(value, ..., "f4"))},
            ),
        )
    ),
    *made(29, "E-NII-NONFINITE", ("1 of 5760",), f.label(1), in_mask=f.label(NAN)),
    *made(
        30,
        "E-NII-SCALE",
        ("scl_slope",),
        f.header(scl_slope=2, scl_inter=0),
        **each(lambda n: f.header(scl_slope=n), NAN, INF, -INF, 0),
        **each(lambda n: f.header(scl_inter=n), NAN, INF, name="inter {}"),
    ),
    *made(
        31,
        "E-NII-OFFSET",
        near=f.header(vox_offset=352),
        **each(lambda n: f.header(vox_offset=n), NAN, INF, 0, 351, 352.5, 2**23, 1e9),
    ),
    *made(
        32,
        "E-NII-AFFINE",
        near=f.header(srow_x=[1 + 1e-7, 0, 0, 1e-7]),
        nan=f.header(srow_x=[NAN, 0, 0, 0]),
        infinite=f.header(srow_y=[0, INF, 0, 0]),
        flat=f.header(srow_x=[0, 0, 0, 0]),
        singular=f.header(srow_x=[0, 1, 0, 0]),
        no_size=f.header(sform_code=0, pixdim=[1, 0, 1, 1, 1, 0, 0, 0]),
        no_size_in_qform=f.header(sform_code=0, qform_code=1, pixdim=[1, 0, *6 * [1]]),
    ),
    *made(
        32,
        "E-NII-AFFINE",
        ("sform and qform",),
        f.header(qform_code=1, pixdim=8 * [1]),
        turned=f.header(qform_code=1, pixdim=8 * [1], quatern_d=1),
        shifted=f.header(qform_code=1, pixdim=8 * [1], qoffset_x=3),
    ),
    *made(33, big_endian=f.packed(f.big_endian)),
    *made(33, "E-NII-TYPE", ("NIfTI-2", "nibabel"), nifti_2=f.packed(f.nifti_2)),
    *made(33, "E-NII-TYPE", (".hdr/.img pair", "nibabel"), pair=f.pair),
    *made(
        34,
        "E-NII-EXTRA",
        ("1 bytes follow",),
        f.plain(),
        gz=f.packed(lambda content: content + b"\0"),
        nii=f.plain(lambda content: content + b"\0"),
    ),
    *made(
        35,
        "E-SEQ-CONST",
        ("t2 is ",),
        f.inside(T2, lambda data: 7 + 50 * (data > 150)),
        zeros=f.voxels(T2, np.zeros_like),
        constant=f.voxels(T2, f.put(7, BRAIN)),
        constant_float=f.voxels(T2, f.put(0.1, BRAIN, "f4")),
        constant_everywhere=f.voxels(T2, f.put(7, ...)),
    ),
    *made(
        36,
        "W-RANGE",
        ("t2: ",),
        f.inside(T2, lambda data: 10 * data),
        lost=(),
        phantoms=True,
        negative=f.inside(T2, lambda data: data - 2000),
        scaled=f.inside(T2, lambda data: 1e6 * data),
        inverted=f.inside(T2, lambda data: data.max() + 1 - data),
    ),
    *made(
        37,
        "E-SHAPE",
        ("'t1': (", "'t1ce': (", "'t2': (", "'flair': (", "'mask': ("),
        flair=f.voxels(FLAIR, lambda data: data[:, :, :-1], at="P1"),
        mask=f.voxels(SEG, lambda data: data[:, :, :-1], at="P1"),
        turned=f.voxels(T2, lambda data: data.swapaxes(0, 2), at="P1"),
    ),
    *made(
        38,
        "E-AFFINE",
        near=f.shifted(FLAIR, (0, 3, 1e-7), (1, 1, -1e-7)),
        forwards=f.shifted(FLAIR, (0, 3, 2e-3)),
        backwards=f.shifted(FLAIR, (0, 3, -2e-3)),
        flipped=f.shifted(FLAIR, (0, 0, -2)),
        flipped_twice=f.shifted(FLAIR, (0, 0, -2), (1, 1, -2)),
        compensating=f.shifted(FLAIR, (0, 3, 0.01), (1, 3, -0.01)),
        mask=f.shifted(SEG, (2, 3, 0.01)),
        the_first=f.shifted(T1, (2, 3, 0.01)),
    ),
    *(
        fault
        for value in (3, 5, 255, -1, 0.5)
        for fault in made(
            39,
            "E-LABEL",
            (f"{{{value:.1f}: 1}}",),
            f.label(4),
            **{f"{value}": f.label(value)},
        )
    ),
    *made(40, **each(f.label, 1.0000001, 0.9999, 1.0009)),
    *made(
        40, "E-LABEL", ("(value: voxels)",), f.label(1.0009), near_one=f.label(1.002)
    ),
    *made(
        41,
        "W-EMPTY",
        near=f.voxels(SEG, lambda mask: f.put(1, f.IN_BRAIN)(0 * mask)),
        lost=(),
        zeros=f.voxels(SEG, np.zeros_like),
    ),
    *made(
        42,
        "W-MASK",
        ("60% of the brain",),
        f.box((4, 2, 1), (20, 18, 6)),
        lost=(),
        most=f.box((4, 2, 1), (20, 18, 7)),
    ),
    *made(
        42,
        "W-MASK",
        ("only 0%",),
        f.box((4, 2, 1), (6, 4, 2)),
        lost=(),
        on_air=f.box((0, 0, 1), (2, 2, 2)),
    ),
    *made(
        43,
        "E-SEQ-DUP",
        ("t1 and flair of P1", "P1_t1.nii.gz", "P1_flair.nii.gz"),
        f.in_turn(f.added(FLAIR, T1), f.voxels(FLAIR, f.put(1))),
        one_file_twice=f.added(FLAIR, T1),
    ),
    *made(
        44,
        "W-SWAP",
        ("t1 and flair of P1",),
        f.inside(T1, lambda data: data / 2),
        lost=(),
        phantoms=True,
        t1_and_flair=f.swapped(T1, FLAIR),
    ),
    *made(
        45,
        "W-MASK",
        ("only 80%",),
        f.added(SEG, "P3/P3_seg.nii.gz"),  # Where it fits the brain, nothing tells.
        lost=(),
        anothers=f.box((12, 4, 2), (22, 6, 4)),
    ),
]

# Faults that are no change of the folder, or whose cost matters, and where their tests
# are: those of the catalogue's rows 46 to 56 on prepared slices, and some of the above.
