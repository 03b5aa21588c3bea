"""`seedbed run`, and where each of its notebooks spends its time: python tools/where.py [options of run]

Beside each executed notebook lies a NAME.where.json: seconds of CPU by the function of seedbed that
was at work, and by the library that it called, and the most memory that was held there. A thread
looks a hundred times a second, and gives the CPU that went by since to what it finds. `make profile` puts those of a default run into the
guide about speed.
"""

import json
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path

EVERY = 0.01  # seconds
PAGE = os.sysconf("SC_PAGE_SIZE")  # bytes
IDLE = ("threading.py", "selectors.py", "queue.py", "_base.py")  # a thread there is waiting


def place_of(frame) -> tuple[str, str]:
    """The function of seedbed that is at work in a stack, and the library that it has called."""
    library = ""
    while frame is not None:
        code = frame.f_code
        file = code.co_filename
        if file.startswith("<frozen importlib"):
            return "imports", ""
        if "/seedbed/" in file:
            module = file.rpartition("/seedbed/")[2].removesuffix(".py").replace("/", ".")
            return f"{module}.{code.co_qualname}", library
        if "ipython-input" in file or "ipykernel" in file:
            return f"a cell of the notebook ({code.co_qualname})", library
        library = library or package_of(file)
        frame = frame.f_back
    return "outside of seedbed", library


def package_of(file: str) -> str:
    """The library of a file."""
    name = file.rpartition("/site-packages/")[2] if "/site-packages/" in file else ""
    return name.split("/")[0].removesuffix(".py")


def busy(frames: dict, own: int) -> list:
    """The stacks of the threads that work."""
    others = [frame for thread, frame in frames.items() if thread != own]
    working = [f for f in others if not f.f_code.co_filename.endswith(IDLE)]
    working = [f for f in working if f.f_code.co_name != "_watch"]  # sleeps until its parent ends
    return working or others[-1:]


def memory() -> float:
    """MB that this process holds, without pages of files."""
    try:
        words = Path("/proc/self/statm").read_text().split()
    except OSError:  # not Linux
        return 0.0
    return (int(words[1]) - int(words[2])) * PAGE / 1e6


class Sampler:
    """Looks where a process is until it is told to stop."""

    def __init__(self):
        self.seconds: Counter = Counter()
        self.most: dict = {}  # MB held at most, by place
        self.going = True
        self.thread = threading.Thread(target=self.follow, daemon=True)
        self.thread.start()

    def follow(self):
        """Give the CPU of each interval to where the process was at its end."""
        before, own = time.process_time(), threading.get_ident()
        while self.going:
            time.sleep(EVERY)
            now = time.process_time()
            held, found = memory(), busy(sys._current_frames(), own)
            for place in map(place_of, found):
                self.seconds[place] += (now - before) / len(found)
                self.most[place] = max(held, self.most.get(place, 0.0))
            before = now

    def stop(self) -> list[dict]:
        """What was found, the largest first."""
        self.going = False
        self.thread.join()
        return [
            {
                "where": place[0],
                "library": place[1],
                "seconds": round(seconds, 3),
                "mb": round(self.most[place]),
            }
            for place, seconds in self.seconds.most_common()
        ]


def read_where(notebook: Path) -> list[dict]:
    """What was found of an executed notebook, the largest first; empty where nobody looked."""
    file = notebook.with_suffix(".where.json")
    return json.loads(file.read_text()) if file.is_file() else []


def found_in(run: Path) -> dict[str, list[dict]]:
    """What was found of each notebook of a run, in the order in which they were executed."""
    notebooks = sorted(run.rglob("*.ipynb"), key=lambda path: path.stat().st_mtime)
    found = {str(p.relative_to(run).with_suffix("")): read_where(p) for p in notebooks}
    return {name: rows for name, rows in found.items() if rows}


def install():
    """Have every notebook of a run watched."""
    from seedbed.running import engines

    plain = engines.execute

    def execute(task, kernel):
        sampler = Sampler()
        try:
            return plain(task, kernel)
        finally:
            text = json.dumps(sampler.stop(), indent=1)
            Path(task.output).with_suffix(".where.json").write_text(text + "\n")

    engines.execute = execute


if __name__ == "__main__":
    from seedbed.cli.run import prepare_imports

    prepare_imports()
    install()
    from seedbed.cli import main

    sys.argv = ["seedbed", "run", *sys.argv[1:]]
    main()
