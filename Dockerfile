# The serving image: the client, the server and the shipped bundle; no torch, no compiler.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY service service
COPY training training
COPY deploy/constraints.txt deploy/constraints.txt
RUN python -m venv /opt/stylefacet \
    && /opt/stylefacet/bin/pip install --no-cache-dir -c deploy/constraints.txt '.[server,postgresql]'

FROM python:3.11-slim-bookworm
COPY --from=build /opt/stylefacet /opt/stylefacet
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin stylefacet \
    && install -d -o stylefacet -g stylefacet /data
ENV PATH=/opt/stylefacet/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    OMP_WAIT_POLICY=PASSIVE
USER stylefacet
VOLUME /data
EXPOSE 50051
# The network of a container is the operator's to guard: publish the port to trusted peers alone.
ENTRYPOINT ["stylefacet", "serve", "--data-dir", "/data", "--address", "0.0.0.0:50051", "--allow-insecure"]
