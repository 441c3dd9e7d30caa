"""Many cells: plan, schedule, record, ask.

A command (`cli`, one module per group in `commands`) plans a grid against the store (`plan`),
groups what is missing into packs (`packing`, from what `cost` learned), hands their manifests
(`manifest`) to a backend (`backends`), and watches the heartbeats (`states`, `progress`). In a
worker process (`worker`) each pack is trained and every finished cell becomes a record of the
`store`, from which `query`, `tables` and `plots` answer.

Nothing heavy (torch, ray, pyarrow, ...) is imported before it is used, and `trainer` only inside a
worker and while the catalogue is built.
"""
