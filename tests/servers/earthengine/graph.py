"""An expression: are its calls those of the library, and what do they yield."""

import json
from functools import lru_cache
from pathlib import Path

import ee

from .functions import FUNCTIONS
from .limits import Limits, Refusal

SHIPPED = Path(ee.__file__).parent / "tests"  # the library ships what its service answers first
DISCOVERY = (SHIPPED / "cloud_api_discovery_document.json").read_bytes()
ALGORITHMS = (SHIPPED / "algorithms.json").read_bytes()


@lru_cache(1)
def signatures():
    """Arguments by function: all, and those that must be given."""
    out = {}
    for algorithm in json.loads(ALGORITHMS)["algorithms"]:
        arguments = algorithm.get("arguments", [])
        out[algorithm["name"].removeprefix("algorithms/")] = (
            {a["argumentName"] for a in arguments},
            {a["argumentName"] for a in arguments if not a.get("optional")},
        )
    return out


def calls(expression, depth=Limits.depth):
    """Every function's name and its arguments' names; refuses references to nothing."""
    values = expression["values"]
    if expression["result"] not in values:
        raise Refusal("Unknown result reference.")

    def walk(node, level):
        if level > depth:
            raise Refusal("Expression is nested too deeply.")
        for key in (
            node.get("valueReference"),
            node.get("functionDefinitionValue", {}).get("body"),
        ):
            if key is not None and key not in values:
                raise Refusal(f"Unknown value reference '{key}'.")
        call = node.get("functionInvocationValue", {})
        if "functionName" in call:
            yield call["functionName"], frozenset(call.get("arguments", {}))
        for child in (
            *call.get("arguments", {}).values(),
            *node.get("arrayValue", {}).get("values", []),
            *node.get("dictionaryValue", {}).get("values", {}).values(),
        ):
            yield from walk(child, level + 1)

    for node in values.values():
        yield from walk(node, 0)


def check(expression):
    """Refuse a call of a function that there is not, or with arguments that it does not know or lacks."""
    for name, given in set(calls(expression)):
        if name not in signatures():
            raise Refusal(f"Unknown function '{name}'.")
        known, needed = signatures()[name]
        if given - known:
            raise Refusal(f"{name}: Unexpected argument '{min(given - known)}'.")
        if needed - given:
            raise Refusal(f"{name}: Parameter '{min(needed - given)}' is required.")


class Evaluator:
    """Computes an expression on the pixels of a request."""

    def __init__(self, expression, world, pixels=None, eecu=1.0):
        self.values, self.world, self.pixels, self.eecu = expression["values"], world, pixels, eecu
        self.known, self.free = {}, {}
        self.result = self.value(expression["result"], {})

    def is_free(self, node):
        """Whether a node depends on the argument of a mapped function."""
        if isinstance(node, list):
            return any(map(self.is_free, node))
        if not isinstance(node, dict):
            return False
        keys = [node["valueReference"]] if "valueReference" in node else []
        return (
            "argumentReference" in node
            or any(map(self.key_is_free, keys))
            or any(map(self.is_free, node.values()))
        )

    def key_is_free(self, key):
        """The same of a named value."""
        if key not in self.free:
            self.free[key] = self.is_free(self.values[key])
        return self.free[key]

    def value(self, key, arguments):
        """A named value; computed once where it is the same for all."""
        if arguments and self.key_is_free(key):
            return self.node(self.values[key], arguments)
        if key not in self.known:
            self.known[key] = self.node(self.values[key], {})
        return self.known[key]

    def node(self, node, arguments):
        """What a node yields."""
        ((kind, content),) = node.items()
        if kind == "constantValue":
            return content
        if kind == "integerValue":
            return int(content)
        if kind == "valueReference":
            return self.value(content, arguments)
        if kind == "argumentReference":
            return arguments[content]
        if kind == "arrayValue":
            return [self.node(child, arguments) for child in content["values"]]
        if kind == "dictionaryValue":
            return {name: self.node(child, arguments) for name, child in content["values"].items()}
        if kind == "functionDefinitionValue":
            return lambda *given: self.value(
                content["body"], arguments | dict(zip(content["argumentNames"], given))
            )
        return self.call(content, arguments)

    def call(self, call, arguments):
        """What a function yields."""
        name = call["functionName"]
        if name not in FUNCTIONS:
            raise Refusal(f"local server: {name} is not implemented")
        return FUNCTIONS[name](
            self,
            **{k: self.node(child, arguments) for k, child in call.get("arguments", {}).items()},
        )
