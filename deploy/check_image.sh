#!/usr/bin/env bash
# Builds the image with buildah and runs it: as another user than root, on a read-only root.
# usage (as root, on Debian): apt-get install buildah debootstrap; poe image-check
#   BASE=IMAGE      builds on that image, instead of a Debian made here by debootstrap
#   BUILD_FLAGS=... goes to `buildah build`, such as --secret id=pip,src=/etc/pip.conf for a mirror
#   IMAGE=IMAGE     checks one that was built before
#   WORK=FOLDER     keeps base and layers there for the next time [a temporary folder]
set -euo pipefail
cd "$(dirname "$0")/.."
work=${WORK:-$(mktemp -d)}
mkdir -p "$work"
store=(buildah --storage-driver vfs --root "$work/storage" --runroot "$work/run")
read -ra flags <<<"${BUILD_FLAGS:-}"

if [ -z "${BASE:-}${IMAGE:-}" ]; then
  BASE=localhost/debian-python:bookworm
  if ! "${store[@]}" inspect --type image "$BASE" >/dev/null 2>&1; then
    echo "== a Debian with Python, by debootstrap"
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates \
      bookworm "$work/base" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >"$work/debootstrap.log"
    rm -rf "$work"/base/var/cache/apt/archives/*.deb "$work"/base/var/lib/apt/lists/*
    tar -C "$work/base" --exclude='./dev/*' --exclude='./proc/*' -cf "$work/base.tar" .
    container=$("${store[@]}" from scratch)
    "${store[@]}" add --quiet "$container" "$work/base.tar" /
    "${store[@]}" commit --quiet --rm "$container" "$BASE"
    rm -rf "$work/base" "$work/base.tar"
  fi
fi

if [ -z "${IMAGE:-}" ]; then
  echo "== build"
  IMAGE=localhost/stylefacet:check
  "${store[@]}" build --isolation chroot --build-arg "BASE=$BASE" "${flags[@]}" --tag "$IMAGE" . \
    >"$work/build.log" 2>&1 || { tail -30 "$work/build.log"; exit 1; }
fi
container=$("${store[@]}" from "$IMAGE")
root=$("${store[@]}" mount "$container")
data=$(mktemp -d)
chown 10001:10001 "$data"
trap '"${store[@]}" rm "$container" >/dev/null; rm -rf "$data"; [ -n "${WORK:-}" ] || rm -rf "$work"' EXIT
config=$("${store[@]}" inspect --type image --format '{{.OCIv1.Config.User}}' "$IMAGE")
[ "$config" = 10001:10001 ] || { echo "the image's user is $config"; exit 1; }
if compgen -G "$root/opt/stylefacet/lib/python3*/site-packages/torch" >/dev/null; then
  echo "the image holds torch"; exit 1
fi

# What a container runtime does, by hand: a mount namespace, a read-only root, no privileges.
inside() {
  unshare --mount --pid --fork --kill-child=SIGTERM bash -euc '
    root=$1 data=$2; shift 2
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount --bind "$data" "$root/data"
    mount -o remount,bind,ro "$root"
    exec chroot "$root" /usr/bin/setpriv --reuid=10001 --regid=10001 --clear-groups \
      --no-new-privs --bounding-set=-all --inh-caps=-all /usr/bin/env -i PATH=/opt/stylefacet/bin:/usr/local/bin:/usr/bin:/bin \
      HOME=/nonexistent STYLEFACET_DATA_DIR=/data OMP_WAIT_POLICY=PASSIVE PYTHONUNBUFFERED=1 "$@"
  ' inside "$root" "$data" "$@"
}

echo "== run"
address=127.0.0.1:${PORT:-50959}
if inside sh -c 'touch /opt/stylefacet/mark 2>/dev/null || touch /mark 2>/dev/null'; then
  echo "the root can be written"; exit 1
fi
[ "$(inside id -u)" = 10001 ] || { echo "it runs as another user"; exit 1; }
inside stylefacet serve --address "$address" >"$work/serve.log" 2>&1 &
server=$!
for _ in $(seq 60); do
  inside stylefacet encoders list --address "$address" >"$work/encoders.txt" 2>/dev/null && break
  kill -0 $server 2>/dev/null || { cat "$work/serve.log"; exit 1; }
  sleep 1
done
cat "$work/encoders.txt"
[ -s "$work/encoders.txt" ] || { cat "$work/serve.log"; exit 1; }
# The server itself: `unshare`, which waits for it, does not pass signals on.
kill -TERM "$(pgrep -P "$(pgrep -P "$server")")"
wait "$server" || { echo "it did not stop in order"; cat "$work/serve.log"; exit 1; }
tail -1 "$work/serve.log" | grep -q stopped || { cat "$work/serve.log"; exit 1; }
[ -s "$data/catalogue.db" ] || { echo "no catalogue was written"; exit 1; }
echo "== image $(du -sm "$root" | cut -f1) MB, of it $(du -sm "$root/opt/stylefacet" | cut -f1) MB ours"
