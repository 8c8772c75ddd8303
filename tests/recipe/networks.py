"""Which recipes of the package train a network."""

from __future__ import annotations

from delineate.recipe.recipe import Recipe, load_recipe, recipe_names

NETWORKS = [name for name in recipe_names() if isinstance(load_recipe(name), Recipe)]
# Those that repeat known works.
WORKS = sorted(set(NETWORKS) - {"general", "vessel"})
