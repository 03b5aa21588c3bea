"""Races: contestants take turns in one process, the best of several rounds counts, and what is stated is a ratio."""

import os
import platform
import resource
import signal
import time
from dataclasses import asdict, dataclass

from seedbed.base.resources import give_back_memory


def race(rounds=5, clock=time.process_time, **contestants):
    """Seconds of each contestant, the best of its rounds; they take turns, so that a busy machine is busy for all."""
    best = dict.fromkeys(contestants, float("inf"))
    for _ in range(rounds):
        for name, run in contestants.items():
            start = clock()
            run()
            best[name] = min(best[name], clock() - start)
    return best


@dataclass
class Row:
    """A line of the table."""

    what: str
    measured: float
    wanted: str  # e.g. `>= 30` or `<= 1.2`; empty where nothing is promised
    note: str = ""  # what stands behind it

    @property
    def met(self):
        """Whether the goal is reached; None where there is none."""
        if not self.wanted:
            return None
        sign, value = self.wanted.split()
        return self.measured >= float(value) if sign == ">=" else self.measured <= float(value)

    def record(self):
        return asdict(self) | {"met": self.met}


def machine():
    """Where it was measured."""
    from seedbed.base.files import project_root
    from seedbed.base.provenance import environment

    found = environment(project_root())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": found["cpu"],
        "cores": found["cores"],
        "memory_gb": round(memory, 1),
        "gpu": found["gpu"],
        "python": platform.python_version(),
        "load": [round(v, 1) for v in os.getloadavg()],
        "packages": found["packages"],
    }


def peak_mb(child=False):
    """The most memory that this process, or any of its ended children, has held."""
    return (
        resource.getrusage(resource.RUSAGE_CHILDREN if child else resource.RUSAGE_SELF).ru_maxrss
        / 1024
    )


def in_child(function, *arguments):
    """The value, the CPU seconds and the peak memory of a call in a new process."""
    import multiprocessing

    reader, writer = multiprocessing.get_context("fork").Pipe(duplex=False)

    def work():
        for number in (signal.SIGINT, signal.SIGTERM):  # it is the parent that says so
            signal.signal(number, signal.SIG_DFL)
        give_back_memory()  # what the parent has freed would be used again, and not be seen
        base = _anonymous()
        watch = _Watch()
        start = time.process_time()
        value = function(*arguments)
        writer.send((value, time.process_time() - start + _children(), watch.most() - base))

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    writer.close()
    try:
        return reader.recv()
    except BaseException:
        process.kill()
        raise
    finally:
        process.join()


def _children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _anonymous():
    "Memory that is the process's own, in MB: pages of mapped files can be given back at any time and do not count."
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("RssAnon")) / 1024


class _Watch:
    def __init__(self):
        import threading

        self.peak, self.going = 0, True
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()

    def _look(self):
        while self.going:
            self.peak = max(self.peak, _anonymous())
            time.sleep(0.01)

    def most(self):
        self.going = False
        self.thread.join()
        return max(self.peak, _anonymous())
