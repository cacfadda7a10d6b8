"""Install the course from this folder, without a network: python install.py

It makes project/.venv with the packages from wheels/, and copies data/ into the cache folder of the course
(CONVBERT_EDU_CACHE names another one). It may be started again at any time.
"""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
COPY = """
import shutil, sys
from pathlib import Path
from convbert_edu.data.datasets.download import cache_folder
cache_folder().mkdir(parents=True, exist_ok=True)
for path in Path(sys.argv[1]).iterdir():
    shutil.copy(path, cache_folder())
print(f"The texts lie in {cache_folder()}.")
"""


def why_not() -> str:
    """Return why this Python cannot use the folder; nothing where it can."""
    wanted = json.loads((HERE / "made_for.json").read_text(encoding="utf-8"))
    found = {
        "python": ".".join(map(str, sys.version_info[:2])),
        "system": platform.system(),
        "machine": platform.machine(),
    }
    if found == wanted:
        return ""
    shown = ["Python {python} on {system} {machine}".format(**each) for each in (wanted, found)]
    return (
        f"This folder was made for {shown[0]}, and this is {shown[1]}.\n"
        "Start install.py with that Python, or make a folder for this one: python start.py offline-bundle"
    )


def main() -> None:
    """Install; SystemExit, saying what to do, where that fails."""
    reason = why_not()
    if reason:
        sys.exit(reason)
    # For pip and for every pip that it starts itself. An address, since a path may hold spaces.
    os.environ["PIP_NO_INDEX"] = "1"
    os.environ["PIP_FIND_LINKS"] = (HERE / "wheels").as_uri()
    sys.path.insert(0, str(HERE / "project"))
    import start

    project = start.Project(HERE / "project")
    project.prepare()
    project.prepare(start.EXTRAS_OF_BOOK)
    python = start.python_of(HERE / "project" / ".venv")
    if subprocess.run([str(python), "-c", COPY, str(HERE / "data")]).returncode:
        sys.exit("The texts could not be copied; the reason stands above.")
    print("Done. Open the lessons with: cd project, then start.py lab")


if __name__ == "__main__":
    main()
