"""Networks from a folder as transformers' save_pretrained writes it: configuration, tensors, tokenizer.

The folder is all that is read: no code that comes with it is run, and nothing is looked up in a network. Importing
this module imports neither torch nor transformers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidgauge.errors import VidgaugeError
from vidgauge.extractors._hub import from_transformers
from vidgauge.specs import WeightsFile

if TYPE_CHECKING:
    import torch

CONFIG = "config.json"
WHOLE = ("model.safetensors", "pytorch_model.bin")  # in the order in which they are looked for, each before its shards
INDEX = ".index.json"
NO_PARAMETERS = ("position_ids", "rotary_emb.inv_freq")  # tables that older versions wrote into files
CODE = ("auto_map", "attn_implementation", "_attn_implementation", "experts_implementation")  # may name code elsewhere
LOAD = "Bring the whole folder as it was published"


def config_of(extractor: str, folder: Path, cls: str) -> Any:
    """The configuration of a folder, as the class of transformers of that name.

    VidgaugeError where config.json is missing, is damaged, or is that of another kind of model.
    """
    (config_class,) = from_transformers(extractor, cls)
    path = folder / CONFIG
    found = _json(path, f"the configuration of {extractor}")
    if found.get("model_type") != config_class.model_type:
        raise VidgaugeError(
            f"{path}: is of model_type {found.get('model_type')!r}, and {config_class.model_type!r} is wanted for "
            f"{extractor}. Give the folder of such a model"
        )
    try:
        return config_class.from_dict(_without_code(found))
    except Exception as error:  # the checks of newer versions raise nothing narrower
        raise VidgaugeError(f"{path}: is no configuration of {extractor}: {_words(error)}. {LOAD}") from error


def tensors_of_folder(folder: Path) -> dict[str, torch.Tensor]:
    """All tensors of a folder by name, on the CPU: those of one file, or of the shards that an index names.

    VidgaugeError for files that are missing or damaged, and for a shard without a tensor that the index promises.
    """
    path = tensors_path(folder)
    return _of_shards(path) if path.name.endswith(INDEX) else _of_file(path)


def tensors_path(folder: Path) -> Path:
    """The file that a folder's tensors are in, or the index of their shards; VidgaugeError where there is neither."""
    wanted = [name + end for name in WHOLE for end in ("", INDEX)]
    for name in wanted:
        if (folder / name).is_file():
            return folder / name
    raise VidgaugeError(f"{folder}: holds no tensors; one of {', '.join(wanted)} is wanted. {LOAD}")


def model_of(
    extractor: str,
    folder: Path,
    cls: str,
    config: Any,
    *,
    tensors: Mapping[str, torch.Tensor] | None = None,
    unused: Callable[[str], bool] = lambda _: False,
    dtype: torch.dtype | None = None,
) -> Any:
    """The network of that class of transformers with a folder's tensors, frozen, in evaluation mode, on the CPU.

    tensors: under the names of the class; None: those of the folder. unused: names that the class has no use for.
    dtype: of its parameters; None: float32. VidgaugeError, which names the file and the tensors, where one is missing,
    has another shape, or is none of this network; and where the configuration describes no network.
    """
    from vidgauge.extractors._checkpoints import fill

    (model_class,) = from_transformers(extractor, cls)
    path = tensors_path(folder)
    try:
        model = hollow(lambda: model_class(config))
    except Exception as error:  # whatever a network makes of impossible sizes
        raise VidgaugeError(
            f"{folder / CONFIG}: {cls} cannot be built from it ({_words(error)}), which {extractor} needs. {LOAD}"
        ) from error
    if dtype is not None:
        for parameter in model.parameters():
            parameter.data = parameter.data.to(dtype)
    found = tensors_of_folder(folder) if tensors is None else tensors
    return fill(model, found, path, unused=lambda name: name.endswith(NO_PARAMETERS) or unused(name))


def hollow(make: Callable[[], Any]) -> Any:
    """A module whose parameters hold nothing yet, made without random draws; buffers hold what the module computes.

    Networks of transformers keep tables in buffers that no file has, so that `_checkpoints.empty` would lose them.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    class Hollow(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            place = {"device": "meta"} if func in (torch.empty, torch.rand, torch.randn) else {}
            return func(*args, **{**(kwargs or {}), **place})

    with Hollow():
        return make()


def tokenizer_of(
    extractor: str,
    folder: Path,
    cls: str,
    *,
    files: tuple[tuple[str, ...], ...],
    tokens: tuple[str, ...],
    rows: int,
) -> Any:
    """The tokenizer of a folder, as the class of transformers of that name, without any truncation or padding.

    files: sets of files of which one must be there whole, beside tokenizer.json, which is enough by itself. tokens:
    the vocabulary must have them (start and end). rows: of the network's text embedding, which no token may exceed.
    VidgaugeError where files are missing or damaged, or are those of another network's tokenizer.
    """
    (tokenizer_class,) = from_transformers(extractor, cls)
    sets = (("tokenizer.json",), *files)
    if not any(all((folder / name).is_file() for name in names) for names in sets):
        wanted = ", or ".join(" and ".join(names) for names in sets)
        raise VidgaugeError(f"{folder}: the tokenizer of {extractor} is missing; {wanted} is wanted. {LOAD}")
    try:
        tokenizer = tokenizer_class.from_pretrained(str(folder), local_files_only=True)
        backend = tokenizer.backend_tokenizer
        backend.no_truncation()
        backend.no_padding()
        own = backend.get_vocab(with_added_tokens=False)
        every = backend.get_vocab(with_added_tokens=True)
    except Exception as error:  # the library raises nothing narrower for a damaged file
        raise VidgaugeError(
            f"{folder}: its tokenizer cannot be read as the {cls} that {extractor} needs ({_words(error)}). {LOAD}"
        ) from error
    wrong = f"{folder}: this is not the tokenizer of {extractor}"
    if missing := [token for token in tokens if token not in own]:
        raise VidgaugeError(f"{wrong}: its vocabulary of {len(own)} has no {' and no '.join(missing)}. {LOAD}")
    token, last = max(every.items(), key=lambda item: item[1])
    if last >= rows:
        raise VidgaugeError(
            f"{wrong}: its token {token!r} is number {last}, and the network's text embedding has {rows} rows. {LOAD}"
        )
    return tokenizer


def ids_of(tokenizer: Any, text: str, most: int) -> list[int]:
    """The tokens of a text as numbers, start and end tokens included; the text is cut so that there are `most`.

    Safe to call from several threads. VidgaugeError for a text that is no Unicode (a lone surrogate).
    """
    try:
        ids: list[int] = tokenizer.backend_tokenizer.encode(text).ids
    except (UnicodeEncodeError, TypeError) as error:
        raise VidgaugeError(
            f"text {text[:80]!r} is not valid Unicode ({_words(error)}); mend it in the manifest"
        ) from error
    return ids if len(ids) <= most else [*ids[: most - 1], ids[-1]]


def _of_file(path: Path) -> dict[str, torch.Tensor]:
    from vidgauge.extractors._checkpoints import tensors_of

    safe = path.suffix == ".safetensors"
    return tensors_of(
        WeightsFile(path, sha256="", name=None, verified=False, format="safetensors" if safe else "pickle")
    )


def _of_shards(index: Path) -> dict[str, torch.Tensor]:
    where = _json(index, "an index of shards").get("weight_map")
    if not isinstance(where, dict) or not where or not all(map(_plain_name, where.values())):
        raise VidgaugeError(f"{index}: has no weight_map from tensors to files beside it. {LOAD}")
    tensors: dict[str, torch.Tensor] = {}
    for name in sorted(set(where.values())):
        path = index.with_name(name)
        if not path.is_file():
            raise VidgaugeError(f"{path}: no such file, and {index.name} names it. {LOAD}")
        shard = _of_file(path)
        promised = [tensor for tensor, file in where.items() if file == name]
        if missing := [tensor for tensor in promised if tensor not in shard]:
            raise VidgaugeError(
                f"{path}: has no {missing[0]} ({len(missing)} missing), which {index.name} promises. {LOAD}"
            )
        tensors |= {tensor: shard[tensor] for tensor in promised}
    return tensors


def _plain_name(name: object) -> bool:
    """Whether it is a file's name that cannot lead out of its folder."""
    return isinstance(name, str) and Path(name).name == name


def _json(path: Path, what: str) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise VidgaugeError(f"{path}: no such file, {what} is wanted. {LOAD}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise VidgaugeError(f"{path}: cannot be read as JSON ({_words(error)}); {what} is wanted. {LOAD}") from None
    if not isinstance(found, dict):
        raise VidgaugeError(f"{path}: holds no JSON object; {what} is wanted. {LOAD}")
    return found


def _without_code(found: Any) -> Any:
    if isinstance(found, dict):
        return {key: _without_code(value) for key, value in found.items() if key not in CODE}
    return found


def _words(error: BaseException) -> str:
    """An error of others in one line of bearable length."""
    return (" ".join(str(error).split()) or type(error).__name__)[:300]
