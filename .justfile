# A thin menu over plain cargo commands; nothing here is needed to build, test or run.

# What there is
default:
    @just --list

# Everything that a change has to pass
ci:
    .ci/run

# The program against its own bank
demo:
    cargo run --release -- demo

# All tests
test:
    cargo test --locked

# Format and lints, as the gate has them
lint:
    cargo fmt --check
    cargo clippy --all-targets --locked -- -D warnings

# The guard of the house, with the sizes of its rooms
tidy:
    cargo test --locked --test tidy -- --nocapture

# The map of the house, in a browser
doc:
    cargo doc --no-deps --document-private-items --open

# The packages, for Debian and for distributions with RPM (cargo install cargo-deb cargo-generate-rpm)
packages:
    cargo build --release --locked
    cargo deb --locked --no-build
    cargo generate-rpm

# The packages on a booted system of their own, as root
booted: packages
    BANKSYNCD_BOOTED=required cargo test --locked --test booted -- --nocapture

# Manual pages and completions, written anew from the program's tables
manual:
    BANKSYNCD_WRITE_PACKAGING=1 cargo test --locked --test packaging

# The database that stands for the newest schema, before its release
schema:
    BANKSYNCD_WRITE_SCHEMA=1 cargo test --locked --test store released

# The journal's explanations, written anew from the program's table
catalog:
    BANKSYNCD_WRITE_CATALOG=1 cargo test --locked --lib observe::catalog
