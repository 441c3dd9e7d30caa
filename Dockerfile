# One image: the command itself, a worker of a Ray cluster and, through Apptainer, the inside of a SLURM task.
# It holds what `make install` installs, in the same way; CUDA comes with the wheels of torch.
# docs/container.md says how to build and use it.

FROM python:3.11.15-slim-bookworm AS builder
ARG UV_VERSION=0.13.8
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy
RUN python -m pip install --no-cache-dir --disable-pip-version-check uv==${UV_VERSION}
WORKDIR /opt/sparsesweep
RUN python -m venv .venv
COPY requirements.lock ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv pip install --python .venv/bin/python --no-deps --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY grids grids/
COPY orchestrator orchestrator/
COPY sparse sparse/
COPY trainer trainer/
# Nobody who runs the image can write here: modules are compiled now, and everybody may read them,
# whatever the umask of the checkout was.
RUN uv pip install --python .venv/bin/python --no-deps --no-build-isolation --editable . \
    && .venv/bin/python -m compileall -q grids orchestrator sparse trainer \
    && chmod -R a+rX,go-w .

FROM python:3.11.15-slim-bookworm
ARG REVISION=unknown
LABEL org.opencontainers.image.title="sparsesweep" \
      org.opencontainers.image.description="One grid file in, one trustworthy table out: sparse-training experiments, swept and recorded" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
# Ray's cluster launcher copies its files into a container with rsync; its head reaches workers by ssh.
# Debian keeps one version of a package at a time, so none is named: the release is, by the base image.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends openssh-client rsync \
    && rm -rf /var/lib/apt/lists/*
# A login shell, as the launcher opens it, sets PATH anew: the profile brings ours back.
RUN useradd --uid 10001 --user-group --create-home --no-log-init --shell /bin/bash sparsesweep \
    && install --directory --owner=10001 --group=10001 /work \
    && echo "PATH=/opt/sparsesweep/.venv/bin:\$PATH" > /etc/profile.d/sparsesweep.sh
COPY --from=builder /opt/sparsesweep /opt/sparsesweep
# PYTHONSAFEPATH keeps a person's trainer.py from shadowing ours. The base image knows nothing of GPUs:
# without the two variables of NVIDIA its container runtime shows none.
ENV PATH="/opt/sparsesweep/.venv/bin:$PATH" \
    PYTHONSAFEPATH=1 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001:10001
WORKDIR /work
ENTRYPOINT ["sparsesweep"]
CMD ["--help"]
