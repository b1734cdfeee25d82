#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ./configure names the package, in Debian and in Fedora, of each library that is missing; and a build that is optimised
# at link time, as some distributions want it, has a static library with public names only.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
real=$(command -v pkg-config)
failed=0

# refuses NAME DEBIAN FEDORA: with what is in $scratch/NAME.
refuses() {
	local said
	if said=$(cd "$scratch/$1" && PATH=$scratch/$1/bin:$PATH CPPFLAGS=-I. "$top/configure" 2>&1); then
		echo "not ok configure/$1: succeeds without it"
		failed=1
	elif ! grep -qF "$1 is missing: install $2 (Debian) or $3 (Fedora)" <<<"$said"; then
		echo "not ok configure/$1: says \"$(tail -1 <<<"$said")\""
		failed=1
	else
		echo "ok configure/$1"
	fi
}

# missing MODULE DEBIAN FEDORA
missing() {
	mkdir -p "$scratch/$1/bin"
	cat >"$scratch/$1/bin/pkg-config" <<-WRAPPER
		#!/bin/sh
		for word; do [ "\$word" = "$1" ] && exit 1; done
		exec $real "\$@"
	WRAPPER
	chmod +x "$scratch/$1/bin/pkg-config"
	refuses "$@"
}

missing libelf libelf-dev elfutils-libelf-devel
missing zlib zlib1g-dev zlib-devel
missing liblzma liblzma-dev xz-devel
missing libzstd libzstd-dev libzstd-devel
missing liblz4 liblz4-dev lz4-devel
missing lzo2 liblzo2-dev lzo-devel
missing json-c libjson-c-dev json-c-devel
missing libarchive libarchive-dev libarchive-devel
# No module: found by its header.
mkdir "$scratch/bzip2"
echo '#error not there' >"$scratch/bzip2/bzlib.h"
refuses bzip2 libbz2-dev bzip2-devel

mkdir "$scratch/lto"
if ! (cd "$scratch/lto" && "$top/configure" CC=gcc CFLAGS='-O1 -flto=auto' && make -s -j2 all) >"$scratch/lto.log" 2>&1; then
	echo "not ok configure/lto: $(tail -1 "$scratch/lto.log")"
	failed=1
elif ! diff <(sed 's/ .*//' "$top/packaging/libkexec.symbols" | sort) \
	<(nm -g --defined-only "$scratch/lto/lib/libkexec.a" | awk 'NF == 3 { print $3 }' | sort) >"$scratch/names"; then
	echo "not ok configure/lto: $(sed -n 2p "$scratch/names")"
	failed=1
else
	echo "ok configure/lto"
fi
exit $failed
