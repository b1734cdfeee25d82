#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# breakages.sh [--vm] [NAME]...: breaks the code in ways that are known, one at a time, in a
# copy of the tree, and expects a test to notice. --vm: those that only a guest can notice.
#
# tests/breakages/NAME.patch, or tests/breakages/vm/NAME.patch, begins with a line
# `# test: COMMAND`, run in the copy, where objects are in build/; the rest is a unified diff,
# best with one line of context. The command must pass before the code is broken, the broken code must build, and then the
# command must fail. A patch that no longer applies is a failure.
#
# Prints `ok NAME` or `not ok NAME: why` for each, last `N of N caught`. The copy and the
# logs are in build/breakages/.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1
work=$PWD/build/breakages
patches=$PWD/tests/breakages
copy=$work/tree
limit=300
configuration=()
targets=tests
if [ "${1:-}" = --vm ]; then
	shift
	patches=$patches/vm
	limit=900
	configuration=(--enable-static)
	targets=all
	export KEXEC=$copy/build/sbin/kexec
fi

# Tracked files and new ones, as they are now.
copy_tree() {
	rm -rf "$work"
	mkdir -p "$copy"
	git ls-files -z --cached --others --exclude-standard |
		while IFS= read -r -d '' file; do
			[ ! -e "$file" ] || printf '%s\0' "$file"
		done | tar -c --null -T - | tar -x -C "$copy"
}

in_copy() {
	(cd "$copy" && timeout "$limit" "$@")
}

build() {
	in_copy make -s -j"$(nproc)" $targets
}

# Without a ceiling git takes the copy for a part of the repository around it, and skips the
# patch without a word.
apply() {
	(cd "$copy" && GIT_CEILING_DIRECTORIES=$work git apply "$@")
}

# Whether the command passes on unbroken code; asked once for each command.
declare -A passes
passes_unbroken() {
	if [ -z "${passes[$1]:-}" ]; then
		if in_copy bash -c "$1" >"$work/unbroken.log" 2>&1 </dev/null; then
			passes[$1]=yes
		else
			passes[$1]=no
		fi
	fi
	[ "${passes[$1]}" = yes ]
}

# Prints why the breakage goes unnoticed, nothing if it is caught. Sources are as before then.
try() {
	local patch=$patches/$1.patch log=$work/$1.log command=$2
	if ! sed 1d "$patch" | apply - >"$log" 2>&1; then
		echo "the patch does not apply: $(head -n 1 "$log")"
		return
	fi
	if ! build >"$log" 2>&1; then
		echo "the broken code does not build, see $log"
	elif in_copy bash -c "$command" >>"$log" 2>&1 </dev/null; then
		echo "\"$command\" passes all the same, see $log"
	fi
	sed 1d "$patch" | apply -R - || echo "the patch cannot be taken back"
}

names=("$@")
if [ $# = 0 ]; then
	for patch in "$patches"/*.patch; do
		[ ! -e "$patch" ] || names+=("$(basename "$patch" .patch)")
	done
fi
copy_tree
if ! (in_copy ./bootstrap && in_copy ./configure "${configuration[@]}" && build) \
	>"$work/build.log" 2>&1; then
	echo "not ok unbroken: does not build, see $work/build.log"
	exit 1
fi

# Every command on the unbroken build, before the first breakage.
declare -A commands
for name in "${names[@]}"; do
	commands[$name]=$(sed -n '1s/^# test: //p' "$patches/$name.patch")
	[ -z "${commands[$name]}" ] || passes_unbroken "${commands[$name]}"
done

caught=0
for name in "${names[@]}"; do
	command=${commands[$name]}
	if [ -z "$command" ]; then
		why="the first line does not name a test"
	elif ! passes_unbroken "$command"; then
		why="\"$command\" fails on unbroken code"
	else
		why=$(try "$name" "$command")
	fi
	if [ -z "$why" ]; then
		caught=$((caught + 1))
		echo "ok $name"
	else
		echo "not ok $name: ${why//$'\n'/; }"
	fi
done
echo "$caught of ${#names[@]} caught"
[ "$caught" = ${#names[@]} ]
