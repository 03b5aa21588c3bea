"""A notebook-first research template for applied machine learning on Earth observation."""

# import seedbed as sb
# run = sb.run(split={"block_km": 5})    or sb.open_run("last")
# run.table()
#
# Every name is loaded when it is first used (PEP 562): `import seedbed` costs a few milliseconds.

from .base.overlay import install as _install

__version__ = "0.2.0"
_install()  # modules that the project has taken over are used from the first import on

_WHERE = {  # public name: module and the name there
    "load_settings": ("base.settings", "load_settings"),
    "run": ("running.runs", "run"),
    "open_run": ("running.runs", "open_run"),
    "list_runs": ("running.runs", "list_runs"),
    "open_dataset": ("dataset", "open_dataset"),
    "list_models": ("models.registry", "list_models"),
    "load_model": ("models.registry", "load_model"),
    "validate": ("models.base", "validate_model"),
    "cross_validate": ("model", "cross_validate"),
    "BlockSplit": ("splitting.crossval", "BlockSplit"),
    "results_schema": ("base.results", "results_schema"),
}
__all__ = list(_WHERE)


def __getattr__(name):
    """Load a public name."""
    if name not in _WHERE:
        raise AttributeError(
            f"module 'seedbed' has no attribute '{name}'; it has: {', '.join(_WHERE)}"
        )
    from .base.registry import import_by_name

    module, attribute = _WHERE[name]
    found = import_by_name(f"seedbed.{module}", attribute)
    globals()[name] = found
    return found


def __dir__():
    return sorted([*globals(), *__all__])
