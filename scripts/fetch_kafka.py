"""Have Maven put the jars of Apache Kafka into a folder, once: `fetch_kafka.py [FOLDER]`.

Nothing is fetched when the folder already holds what `scripts/kafka/pom.xml` asks for.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
POM = ROOT / "scripts" / "kafka" / "pom.xml"
FOLDER = ROOT / ".cache" / "kafka"
STAMP = "fetched-for"
ATTEMPTS_MAX = 3


def fetch(folder: Path) -> None:
    wanted = hashlib.sha256(POM.read_bytes()).hexdigest()
    stamp = folder / STAMP
    if stamp.exists() and stamp.read_text() == wanted:
        return
    maven = shutil.which("mvn")
    if maven is None:
        sys.exit("feira: fetching Kafka needs Maven (mvn), and there is none")
    print(f"feira: fetching Apache Kafka into {folder} (once)", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    command = [maven, "--batch-mode", "--quiet", "--file", str(POM)]
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    for attempt in range(1, ATTEMPTS_MAX + 1):  # a registry may be shaky for a moment
        if subprocess.run([*command, *goal], check=False).returncode == 0:
            break
        if attempt == ATTEMPTS_MAX:
            sys.exit("feira: Maven could not fetch Kafka")
    stamp.write_text(wanted)


if __name__ == "__main__":
    fetch(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else FOLDER)
