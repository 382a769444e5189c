#!/usr/bin/env bash
# deploy/image.sh OUT [ARCH...]
# Makes images of trivet as OCI archives, OUT/trivet-VERSION-ARCH.tar, for amd64
# and arm64, without a container engine and without a network but for Go's
# modules. The same commit gives the same bytes. Load one with `docker load -i`,
# `podman load -i`, `ctr images import`, or push it with skopeo or crane.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 1 ] || { echo "usage: deploy/image.sh OUT [ARCH...]" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- amd64 arm64

name=${IMAGE:-docker.io/trivetdb/trivet}
version=${VERSION:-$(sed -n 's/^appVersion: *//p' helm/trivet/Chart.yaml)}
commit=${COMMIT:-$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)}
# All times in the image are the commit's.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
date=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
certs=${CERTS:-/etc/ssl/certs/ca-certificates.crt}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

sum() { sha256sum "$1" | cut -d' ' -f1; }
size() { wc -c < "$1" | tr -d ' '; }
blob() { # FILE: store it under its digest, print that
	local d
	d=$(sum "$1")
	cp "$1" "$layout/blobs/sha256/$d"
	echo "$d"
}
pack() { # DIR OUT: a tar archive that depends on nothing but the files
	tar -C "$1" --sort=name --format=ustar --owner=0 --group=0 --numeric-owner \
		--mtime="@$SOURCE_DATE_EPOCH" "${@:3}" -cf "$2" .
}

for arch in "$@"; do
	root=$tmp/root-$arch layout=$tmp/layout-$arch
	mkdir -p "$root/data" "$layout/blobs/sha256"
	CGO_ENABLED=0 GOOS=linux GOARCH=$arch go build -trimpath -buildvcs=false \
		-ldflags "-s -w -buildid= -X main.version=$version -X main.commit=$commit -X main.date=$date" \
		-o "$root/trivet" ./cmd/trivet
	if [ -f "$certs" ]; then
		install -D -m 644 "$certs" "$root/etc/ssl/certs/ca-certificates.crt"
	else
		echo "NOTE: no $certs: an S3 store's certificate cannot be checked by this image" >&2
	fi
	find "$root" -type d -exec chmod 755 {} +
	chmod 1777 "$root/data" # a volume made from it can be written by the image's user
	pack "$root" "$tmp/layer.tar"
	diff=$(sum "$tmp/layer.tar")
	gzip -9n "$tmp/layer.tar"
	layer=$(blob "$tmp/layer.tar.gz") bytes=$(size "$tmp/layer.tar.gz")
	rm "$tmp/layer.tar.gz"
	cat > "$tmp/config.json" <<-JSON
		{"architecture": "$arch", "os": "linux", "created": "$date",
		 "config": {"User": "65532:65532", "Entrypoint": ["/trivet"], "Cmd": ["serve"], "Volumes": {"/data": {}},
		  "ExposedPorts": {"6379/tcp": {}, "31337/tcp": {}, "8379/tcp": {}, "7379/tcp": {}, "7946/tcp": {}, "7946/udp": {}},
		  "Env": ["TRIVET_DATA=/data", "TRIVET_REDIS=:6379", "TRIVET_CLASSIC=:31337", "TRIVET_HTTP=:8379", "TRIVET_PEER=:7379", "TRIVET_GOSSIP=:7946"],
		  "Labels": {"org.opencontainers.image.version": "$version", "org.opencontainers.image.revision": "$commit", "org.opencontainers.image.licenses": "Apache-2.0"}},
		 "rootfs": {"type": "layers", "diff_ids": ["sha256:$diff"]}}
	JSON
	config=$(blob "$tmp/config.json")
	cat > "$tmp/manifest.json" <<-JSON
		{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		 "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:$config", "size": $(size "$tmp/config.json")},
		 "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": "sha256:$layer", "size": $bytes}]}
	JSON
	manifest=$(blob "$tmp/manifest.json")
	echo '{"imageLayoutVersion": "1.0.0"}' > "$layout/oci-layout"
	cat > "$layout/index.json" <<-JSON
		{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
		 "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "sha256:$manifest", "size": $(size "$tmp/manifest.json"),
		  "platform": {"architecture": "$arch", "os": "linux"},
		  "annotations": {"io.containerd.image.name": "$name:$version", "org.opencontainers.image.ref.name": "$version"}}]}
	JSON
	pack "$layout" "$out/trivet-$version-$arch.tar"
	echo "$out/trivet-$version-$arch.tar $name:$version sha256:$manifest"
done
