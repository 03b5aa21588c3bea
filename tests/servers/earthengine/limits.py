"""What the service refuses, in its own words. https://developers.google.com/earth-engine/guides/usage"""

import json
from dataclasses import dataclass

NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


class Refusal(Exception):
    """An error as the service answers it."""

    def __init__(self, message, code=400):
        super().__init__(message)
        self.code = code

    def body(self):
        """The JSON of the answer."""
        return json.dumps(
            {
                "error": {
                    "code": self.code,
                    "message": str(self),
                    "status": NAMES.get(self.code, "UNKNOWN"),
                }
            }
        ).encode()


@dataclass
class Limits:
    """How much at once."""

    concurrent: int = 40  # requests
    per_second: int = 100  # requests
    body: int = 10 * 2**20  # bytes of a request
    answer: int = 48 * 2**20  # bytes of the pixels, with a byte for the mask of each value
    side: int = 32768  # pixels
    bands: int = 1024
    depth: int = 100  # of an expression
    memory: int = 10**12  # values of a computation; lower it to see memory errors

    def check_body(self, size):
        """Refuse a request that is too long."""
        if size > self.body:
            raise Refusal(f"Request payload size exceeds the limit: {self.body} bytes.", 413)

    def check_pixels(self, grid, bands, itemsize=4):
        """Refuse too many pixels, as the service does before it computes."""
        if max(grid.width, grid.height) > self.side:
            raise Refusal(
                f"Pixel grid dimensions ({grid.width}x{grid.height}) must be less than or equal to {self.side}."
            )
        if bands > self.bands:
            raise Refusal(
                f"The number of bands ({bands}) must be less than or equal to {self.bands}."
            )
        size = grid.width * grid.height * bands * (itemsize + 1)
        if size > self.answer:
            raise Refusal(
                f"Total request size ({size} bytes) must be less than or equal to {self.answer} bytes."
            )
        if grid.width * grid.height * bands > self.memory:
            raise Refusal("User memory limit exceeded.")
