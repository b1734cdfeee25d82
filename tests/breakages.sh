#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# breakages.sh [--vm] [NAME]...: breaks the code in ways that are known, one at a time, in a
# copy of the tree, and expects a test to notice. --vm: those that only a guest can notice.
#
# tests/breakages/NAME.patch, or tests/breakages/vm/NAME.patch, begins with a line
# `# test: COMMAND`, run in the copy, where objects are in build/; the rest is a unified diff,
# best with one line of context. A second line `# processor: FLAG` has it skipped where
# /proc/cpuinfo lacks that flag. The command must pass before the code is broken, the broken code
# must build, and then the command must fail. A patch that no longer applies is a failure.
#
# As many are tried side by side as there are processors, those of one command one behind another.
# Prints `ok NAME`, `skip NAME: why` or `not ok NAME: why` for each, last `N of N caught`. The
# copies and the logs are in build/breakages/.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1
work=$PWD/build/breakages
patches=$PWD/tests/breakages
limit=600
configuration=()
targets=tests
if [ "${1:-}" = --vm ]; then
	shift
	patches=$patches/vm
	limit=1800
	configuration=(--enable-static)
	targets=all
	# The breakages take the suites' everyday form.
	unset FULL
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
	(cd "$copy" && timeout "$limit" "$@" 9>&-)
}

# build [TARGET]: everything, or what a command that is one test's program needs. No breakage is judged by how long that
# takes, which a busy machine decides.
build() {
	limit=3600 in_copy make -s "${1:-$targets}"
}

# apply PATCH: breaks the copy. What is broken is kept first: taken back, a patch may find another place than where it
# was. Without a ceiling git takes the copy for a part of the repository around it, and skips the patch without a word.
apply() {
	local files
	mapfile -t files < <(sed -n 's|^+++ b/||p' "$1")
	(cd "$copy" && tar -cf "$work/whole.tar" "${files[@]}" && GIT_CEILING_DIRECTORIES=$work git apply "$1")
}

command_of() {
	sed -n '1s/^# test: //p' "$patches/$1.patch"
}

# The flag that the breakage needs and this processor lacks.
lacks() {
	local flag
	flag=$(sed -n '2s/^# processor: //p' "$patches/$1.patch")
	[ -z "$flag" ] || grep -qw "$flag" /proc/cpuinfo || echo "$flag"
}

# Whether the command passes on unbroken code; asked once for each command.
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
	local patch=$patches/$1.patch log=$work/$1.log command=$2 target=
	[[ $command = *' '* || $command != build/tests/* ]] || target=$command
	if ! apply "$patch" >"$log" 2>&1; then
		echo "the patch does not apply: $(head -n 1 "$log")"
		return
	fi
	if ! build "$target" >"$log" 2>&1; then
		echo "the broken code does not build, see $log"
	elif in_copy bash -c "$command" >>"$log" 2>&1 </dev/null; then
		echo "\"$command\" passes all the same, see $log"
	fi
	# With a new time, so that it is built anew.
	tar -xmf "$work/whole.tar" -C "$copy" || echo "what was broken cannot be made whole"
}

# One run at a time has the copies.
mkdir -p "$work" && exec 9>"$work/lock" && flock 9 || exit 1

names=("$@")
if [ $# = 0 ]; then
	for patch in "$patches"/*.patch; do
		[ ! -e "$patch" ] || names+=("$(basename "$patch" .patch)")
	done
fi
# In a shell of its own: work_on DIRECTORY NAME...
work_on() {
	local name command flag why
	declare -A passes=()
	work=$1 copy=$1/tree
	shift
	[ $targets = tests ] || export KEXEC=$copy/build/sbin/kexec
	copy_tree
	if ! (limit=3600 && in_copy ./bootstrap && in_copy ./configure "${configuration[@]}" && build) \
		>"$work/build.log" 2>&1; then
		echo "not ok unbroken: does not build, see $work/build.log"
		return 1
	fi
	# Every command on the unbroken build, before the first breakage.
	for name; do
		command=$(command_of "$name")
		[ -z "$command" ] || passes_unbroken "$command"
	done
	for name; do
		command=$(command_of "$name")
		flag=$(lacks "$name")
		if [ -n "$flag" ]; then
			echo "skip $name: this processor has no $flag"
			continue
		elif [ -z "$command" ]; then
			why="the first line does not name a test"
		elif ! passes_unbroken "$command"; then
			why="\"$command\" fails on unbroken code"
		else
			why=$(try "$name" "$command")
		fi
		if [ -z "$why" ]; then
			echo "ok $name"
		else
			echo "not ok $name: ${why//$'\n'/; }"
		fi
	done
}

# Each command's breakages go to the shell that has the fewest so far.
declare -A shell_of=()
shares=() counts=()
for ((i = 0; i < $(nproc); i++)); do
	shares[i]='' counts[i]=0
done
for name in "${names[@]}"; do
	command=$(command_of "$name")
	if [ -z "${shell_of[x$command]:-}" ]; then
		least=0
		for i in "${!counts[@]}"; do
			[ "${counts[i]}" -ge "${counts[least]}" ] || least=$i
		done
		shell_of[x$command]=$least
	fi
	i=${shell_of[x$command]}
	shares[i]+=" $name"
	counts[i]=$((counts[i] + 1))
done
results=$(mktemp)
trap 'rm -f "$results"' EXIT
for i in "${!shares[@]}"; do
	# shellcheck disable=SC2086
	[ "${counts[i]}" = 0 ] || work_on "$work/$i" ${shares[i]} &
done | tee "$results"
caught=$(grep -c '^ok ' "$results")
tried=$((${#names[@]} - $(grep -c '^skip ' "$results")))
echo "$caught of $tried caught"
[ "$caught" = "$tried" ]
