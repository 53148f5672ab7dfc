# sidegate: one static folder of policies in, one folder of data out.
#   docker build -t sidegate .
#   docker run -p 127.0.0.1:8181:8181 -v sidegate-data:/data -v ./policies:/policies:ro sidegate

FROM rust:1.95-bookworm AS build
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY grammar grammar
COPY src src
# Cargo wants the files of tests and benchmarks that the manifest names, not what is in them.
RUN mkdir -p benches tests \
    && touch benches/callers.rs benches/decisions.rs benches/doors.rs benches/dry_run.rs benches/fleet.rs benches/footprint.rs benches/http.rs benches/import.rs benches/store.rs tests/main.rs \
    && cargo build --release --locked \
    && install -D target/release/sidegate /out/usr/local/bin/sidegate \
    && install -d -o 65532 -g 65532 -m 0700 /out/data

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out /
COPY policies /policies
# What `docker run -e` sets comes instead, and commands by `docker exec` find the data, too.
ENV SIDEGATE_LISTEN=0.0.0.0:8181 SIDEGATE_DATA=/data SIDEGATE_POLICIES=/policies
USER 65532:65532
VOLUME /data
EXPOSE 8181
HEALTHCHECK --interval=10s --timeout=5s CMD ["/usr/local/bin/sidegate", "healthy", "http://127.0.0.1:8181/healthz"]
ENTRYPOINT ["/usr/local/bin/sidegate"]
CMD ["serve"]
