"""Pages from templates. They need no network: style and scripts are part of the page."""

from pathlib import Path

import jinja2

from egolib.foundation.files import write_atomically

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("egolib.report"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
_ENVIRONMENT.policies["json.dumps_kwargs"] = {}  # keep the order of keys


def write_page(path: Path, template: str, **values) -> Path:
    """Fill in a template of `templates/` and write it to `path` -> `path`."""
    write_atomically(path, _ENVIRONMENT.get_template(template).render(**values) + "\n")
    return path
