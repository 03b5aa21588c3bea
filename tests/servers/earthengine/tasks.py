"""Batch exports: tasks that wait, run and end, two at a time."""

import threading
import time
from pathlib import Path

from affine import Affine

from .images import Pixels
from .limits import Refusal


def pixels_of(expression):
    """The pixels of an export, which the library writes into the expression: a reprojection, and its corners in pixels."""

    def resolve(node):
        return (
            resolve(expression["values"][node["valueReference"]])
            if "valueReference" in node
            else node
        )

    def argument(node, name):
        return resolve(resolve(node)["functionInvocationValue"]["arguments"][name])

    clip = expression["values"][expression["result"]]
    placed = argument(clip, "input")
    left, top, right, bottom = argument(argument(clip, "geometry"), "coordinates")["constantValue"]
    a, b, c, d, e, f = argument(placed, "crsTransform")["constantValue"]
    return Pixels(
        right - left,
        bottom - top,
        Affine(a, b, c, d, e, f),
        argument(argument(placed, "crs"), "crs")["constantValue"],
    )


class Tasks:
    """The queue of a project."""

    def __init__(
        self, render, folder=None, seconds=0.05, queue=3000, fails=lambda description: None
    ):
        self.render = render
        self.folder = folder and Path(folder)
        self.seconds = seconds
        self.queue = queue
        self.fails = fails
        self.operations, self.lock, self.peak = {}, threading.Lock(), 0
        self.turns = threading.Semaphore(2)

    def waiting(self):
        """How many have not ended."""
        return sum(not operation.get("done") for operation in self.operations.values())

    def submit(self, project, body):
        """Queue an export; its operation."""
        with self.lock:
            if self.waiting() >= self.queue:
                raise Refusal(
                    f"Too many tasks already in the queue ({self.queue}). Please wait for some of them to complete.",
                    429,
                )
            name = f"{project}/operations/{body.get('requestId') or len(self.operations)}"
            if name in self.operations:
                return self.operations[name]
            metadata = {
                "@type": "type.googleapis.com/google.earthengine.v1.OperationMetadata",
                "state": "PENDING",
                "type": "EXPORT_IMAGE",
                "description": body.get("description", ""),
                "createTime": f"2026-01-01T00:00:00.{len(self.operations):06d}Z",
            }
            self.operations[name] = {"name": name, "metadata": metadata}
            self.peak = max(self.peak, self.waiting())
        threading.Thread(target=self.run, args=(self.operations[name], body), daemon=True).start()
        return self.operations[name]

    def run(self, operation, body):
        """Wait for a turn, compute, leave the file, and say how it went."""
        with self.turns:
            operation["metadata"]["state"] = "RUNNING"
            time.sleep(self.seconds)
            reason = self.fails(operation["metadata"]["description"])
            try:
                if reason is None:
                    self.leave(body)
            except Refusal as error:
                reason = str(error)
        metadata = {"state": "FAILED" if reason else "SUCCEEDED", "batchEecuUsageSeconds": 12.5}
        operation["metadata"] |= metadata
        operation |= {"done": True} | ({"error": {"code": 3, "message": reason}} if reason else {})

    def leave(self, body):
        """Put the file where the bucket or the drive would have it."""
        options = body["fileExportOptions"]
        prefix = (
            options.get("cloudStorageDestination", {}).get("filenamePrefix")
            or options["driveDestination"]["filenamePrefix"]
        )
        if self.folder:
            path = self.folder / f"{prefix}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.render(body))
