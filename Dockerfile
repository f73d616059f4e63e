# The serving image: the command, the server and the shipped bundle; no torch, no compiler, no pip.
# Any base with Python 3.11 or newer as `python3`, and its venv module, will do for both stages.
ARG BASE=docker.io/library/python:3.11-slim-bookworm

# hadolint ignore=DL3006 # the tag is in the argument's default
FROM ${BASE} AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY service service
COPY training training
COPY deploy/constraints.txt deploy/constraints.txt
# The secret `pip` is for a mirror's pip.conf; it leaves no trace in the image.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python3 -m venv /opt/stylefacet \
    && /opt/stylefacet/bin/pip install --no-cache-dir -c deploy/constraints.txt \
        '.[server,postgresql,tracing]' \
    && /opt/stylefacet/bin/pip uninstall --yes pip setuptools \
    && find /opt/stylefacet -type d -name tests -prune -exec rm -rf {} +

# hadolint ignore=DL3006
FROM ${BASE}
COPY --from=build /opt/stylefacet /opt/stylefacet
# The owner that a new volume takes over; nothing else in the image can be written by the server.
COPY --from=build --chown=10001:10001 /mnt /data
ENV PATH=/opt/stylefacet/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    OMP_NUM_THREADS=1 \
    OMP_WAIT_POLICY=PASSIVE \
    STYLEFACET_ADDRESS=0.0.0.0:50051 \
    STYLEFACET_DATA_DIR=/data
# Numeric, so that Kubernetes can see that it is not root.
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 50051
ENTRYPOINT ["stylefacet"]
# Beyond loopback the server wants TLS and tokens, or to be told that the network is trusted:
# the container does not start until it is told which. See deploy/README.md.
CMD ["serve"]
