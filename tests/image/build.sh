#!/bin/bash
# Builds the Dockerfile without a container engine, on a base of this machine's own Debian or Ubuntu.
# Usage: build.sh FOLDER. All that it makes is in FOLDER, a container named coachwire among it. Needs root, buildah and
# mmdebstrap.
set -euo pipefail
folder=$(realpath "$1")
cd "$(dirname "$0")/../.."

export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
store=(--root "$folder/storage" --runroot "$folder/run")
image() { buildah "${store[@]}" "$@"; }

# Files only, nothing configured: Python and a shell need no more, and it takes a quarter of the time.
sources=(/etc/apt/sources.list /etc/apt/sources.list.d/"$(. /etc/os-release; echo "$ID")".sources)
for file in "${sources[@]}"; do [ -s "$file" ] && found=$file && break; done
(. /etc/os-release && mmdebstrap --quiet --variant=extract \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --include=base-files,base-passwd,bash,dash,coreutils,libc-bin,python3,python3-venv \
  "$VERSION_CODENAME" "$folder/base.tar" "$found")

base=$(image from scratch)
image add --quiet "$base" "$folder/base.tar" / >/dev/null
# Where this machine gets its packages, and whom it trusts on the way, holds for the build as well.
certificates=/etc/ssl/certs/ca-certificates.crt
[ -e $certificates ] && image add --quiet "$base" $certificates $certificates >/dev/null
image config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$base"
image config --env PIP_CERT=$certificates --env SSL_CERT_FILE=$certificates "$base"
for name in PIP_INDEX_URL UV_DEFAULT_INDEX UV_INDEX_URL; do
  [ -n "${!name:-}" ] && image config --env "$name=${!name}" "$base"
done
image commit --quiet --rm "$base" coachwire-base >/dev/null
rm "$folder/base.tar"

image build --quiet --format docker --build-arg BASE=localhost/coachwire-base --tag coachwire . >/dev/null
image from --name coachwire coachwire >/dev/null
