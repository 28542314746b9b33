# Built in one image, run in a small one, as a user without rights.
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends make perl && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Cargo.toml Cargo.lock rust-toolchain.toml ./
COPY src src
COPY topologies topologies
# The manifest names them; they are not built.
COPY tests tests
RUN cargo build --release --locked

FROM debian:bookworm-slim
# By number, so that whoever runs it can see that it is not root.
RUN useradd --uid 10001 --create-home --home-dir /var/lib/tidewatch tidewatch
COPY --from=build /src/target/release/tidewatch /usr/local/bin/tidewatch
USER 10001
WORKDIR /var/lib/tidewatch
ENTRYPOINT ["tidewatch"]
EXPOSE 8600
CMD ["demo"]
