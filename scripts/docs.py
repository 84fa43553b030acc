"""`make docs` writes the documents that are made from the contracts; `make check` checks them.

A change that breaks a published message is refused by both: compared with `docs/schemas` as it lies
here, and as the last commit has it, so that an edited schema does not hide it.
"""

import subprocess
import sys
from pathlib import Path

from feira.kernel.errors import Misconfigured
from feira.published.files import SCHEMAS, problems, read_schemas, write
from feira.published.schemas import Schema

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    if arguments not in (["write"], ["check"]):
        print("usage: python scripts/docs.py write|check", file=sys.stderr)
        return 2
    promised = committed_schemas(ROOT, "HEAD")
    if arguments == ["check"]:
        found = problems(ROOT, promised)
        print("\n".join(f"feira: {problem}" for problem in found), end="\n" if found else "")
        return 1 if found else 0
    try:
        for path in write(ROOT, promised):
            print(f"wrote {path}")
    except Misconfigured as error:
        print(f"feira: {error}", file=sys.stderr)
        return 1
    return 0


def committed_schemas(root: Path, commit: str) -> dict[str, Schema]:
    """The schemas of a commit; none where there is no such commit, or no git."""
    names = _git(root, "ls-tree", "--name-only", commit, f"{SCHEMAS}/") or b""
    files = {name: _git(root, "show", f"{commit}:{name}") for name in names.decode().split()}
    return read_schemas({Path(name).name: text for name, text in files.items() if text})


def _git(root: Path, *arguments: str) -> bytes | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
