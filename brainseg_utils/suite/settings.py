"""What `make run` was asked for, checked against what the notebooks know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from brainseg_utils.config import TrainingConfig
from brainseg_utils.dropout_sweep import NOTEBOOKS, VARIED
from brainseg_utils.errors import BrainSegError
from brainseg_utils.execution.parameters import (
    check_type,
    parse_setting,
    unknown_parameter,
)


def parameters_for(
    name: str, parameters: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return what a notebook takes; a sweep gets also what it must pass on."""
    wanted = {key: value for key, value in parameters.items() if key in known[name]}
    if "overrides" in known[name]:
        passed_on = {**known["02_cnn1"], **known["03_cnn2"]}
        wanted["overrides"] = {
            key: value for key, value in parameters.items() if key in passed_on
        }
    return wanted


def read_parameters(
    folder: Path, profile: str, data_dir: str, settings: Sequence[str]
) -> dict[str, Any]:
    """Merge the profile's file with what the command line asked for.

    Raises:
        BrainSegError: The profile has no file, or a setting is not `name=value`.
    """
    path = folder / "params" / f"{profile}.yaml"
    parameters: dict[str, Any] = {"profile": profile}
    if path.is_file():
        parameters |= yaml.safe_load(path.read_text(encoding="utf-8"))
    elif profile != "quick":
        known = sorted(p.stem for p in path.parent.glob("*.yaml"))
        raise BrainSegError(
            "E-PROFILE",
            path,
            "there is no such profile.",
            f"Known: {', '.join(['quick', *known])}.",
        )
    if data_dir:
        parameters["data_dir"] = data_dir
    parameters |= dict(parse_setting(setting) for setting in settings)
    if parameters["profile"] != profile:
        what, remedy = "is an option of its own.", "Use --profile, or make PROFILE=..."
        raise BrainSegError("E-PARAM", "profile", what, remedy)
    # The caller's folder, not the notebooks', is what a relative path means.
    for name in ("data_dir", "split_file", "layout"):
        path = Path(str(parameters.get(name, ""))).expanduser()
        if parameters.get(name) and (name != "layout" or path.exists()):
            parameters[name] = str(path.resolve())
    return parameters


def check_settings(
    parameters: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]
) -> None:
    """Refuse, before anything runs, what no notebook takes or what has another type.

    Args:
        parameters: What was asked for.
        known: Each notebook's parameters with their defaults, keyed by its name.

    Raises:
        BrainSegError: `E-PARAM` with the name and the remedy.
    """
    for name, value in parameters.items():
        if name in VARIED and known.keys() >= {"04_dropout_sweep"}:
            what, remedy = "is varied by the sweep.", f"Set {VARIED[name]} instead."
            raise BrainSegError("E-PARAM", name, what, remedy)
        takers = {n: defaults for n, defaults in known.items() if name in defaults}
        if not takers:
            names = sorted({n for defaults in known.values() for n in defaults})
            what = "none of the notebooks to execute has a parameter of this name."
            raise unknown_parameter(name, what, [n for n in names if n not in VARIED])
        for defaults in takers.values():
            check_type(name, value, defaults[name])
    models = {Path(notebook).stem: model for model, notebook in NOTEBOOKS.items()}
    for notebook, defaults in known.items():
        if "epochs" in defaults:
            _check_training(models.get(notebook, "cnn2"), parameters, defaults)


def _check_training(
    model: str, parameters: Mapping[str, Any], defaults: Mapping[str, Any]
) -> None:
    """Refuse values that fit their type and still make no training.

    Lists, such as a study's `folds`, are of many trainings.
    """
    single = {n: value for n, value in defaults.items() if not isinstance(value, list)}
    asked = {name: parameters.get(name, single[name]) for name in single}
    TrainingConfig.from_parameters(model, asked)
