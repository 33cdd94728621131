#!/bin/sh
# Creates the root file system for test/systemd, once: a small Debian with systemd, without procps and whatever else a service may not
# count on. Needs root and the packages debootstrap and systemd-container.
set -eu
cache="${XDG_CACHE_HOME:-$HOME/.cache}/muninn"
tar="$cache/systemd-bookworm.tar"
[ -e "$tar" ] && exit 0
mkdir -p "$cache"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
debootstrap --variant=minbase --include=systemd,systemd-sysv,libnss-systemd,libstdc++6 bookworm "$work/root" >"$work/log" 2>&1 ||
  { tail -n 5 "$work/log" >&2; exit 1; }
rm -rf "$work/root/var/cache/apt/archives" "$work/root/var/lib/apt/lists" "$work/root/usr/share/doc" "$work/root/usr/share/locale"
mkdir -p "$work/root/var/log/journal" "$work/root/etc/muninn"
chroot "$work/root" useradd --system --no-create-home --shell /usr/sbin/nologin muninn
tar -C "$work/root" -cf "$tar.new" .
mv "$tar.new" "$tar"
