"""A notebook-first research template for applied machine learning on Earth observation

Modules:

- `seedbed.cli.new`: `seedbed new` and `update`: a project of your own, and later what the template has improved."""

__version__ = "0.2.0"

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
