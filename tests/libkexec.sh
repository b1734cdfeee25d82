#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The library as it is installed: found through pkg-config in a prefix of its own, in C and in C++, its example run,
# and what it exports. Environment: B, the build directory. Prints a line for each case. Nothing is ever loaded: plans are
# of captured machines.
set -u -o pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
B=$(cd "${B:-$top/build}" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
prefix=$scratch/prefix
lib=$prefix/lib
failed=0

verdict() { # NAME WHY
	if [ -z "$2" ]; then
		echo "ok libkexec/$1"
	else
		echo "not ok libkexec/$1: $2"
		failed=1
	fi
}

# Nothing that runs here can load a kernel, whatever is wrong with it.
harmless() {
	if [ "$(id -u)" = 0 ]; then
		LD_LIBRARY_PATH=$lib setpriv --bounding-set=-sys_boot,-net_admin --inh-caps=-sys_boot,-net_admin "$@"
	else
		LD_LIBRARY_PATH=$lib "$@"
	fi
}

capabilities=$(harmless sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
[ -n "$capabilities" ] && [ $((0x$capabilities >> 22 & 1)) = 0 ] || {
	verdict harmless "CAP_SYS_BOOT cannot be dropped"
	exit 1
}

# The prefix is known to this make alone: the build stays as it was configured. One in the tree has its Makefile there.
makefile=$B/Makefile
[ -e "$makefile" ] || makefile=$top/Makefile
make -C "$top" -f "$makefile" --no-print-directory install DESTDIR= B="$B" prefix="$prefix" sbindir="$prefix/sbin" \
	libdir="$lib" includedir="$prefix/include" mandir="$prefix/share/man" datadir="$prefix/share" \
	systemdsystemunitdir="$prefix/units" >"$scratch/log" 2>&1 || {
	verdict install "$(tail -1 "$scratch/log")"
	exit 1
}
export PKG_CONFIG_PATH=$lib/pkgconfig
read -r -a cflags < <(pkg-config --cflags libkexec)
read -r -a libs < <(pkg-config --libs libkexec)
# Of the libraries that it needs the shared ones: static, libarchive asks for what its reader of tar never uses.
# shellcheck disable=SC2046
read -r -a static_libs < <(pkg-config --libs $(pkg-config --print-requires-private libkexec))

# --- names ---------------------------------------------------------------------

# What the library has, public and private, is what programs of this package use and the list says; nobody has a second copy.
public=$(sort "$top/packaging/libkexec.symbols")
exported() {
	nm -D --defined-only "$lib/libkexec.so.1" | awk '$2 != "A" { sub("@@?", " ", $3); print $3 }' | sort
}
verdict exports "$(diff <(echo "$public") <(exported | grep -v ' LIBKEXEC_PRIVATE_') | sed -n 2p)"
declared=$(gcc -E -P "$prefix/include/libkexec.h" | grep -oE '\bkexec_[a-z_0-9]+\(' | tr -d '(' | sort -u)
verdict header "$(diff <(cut -d' ' -f1 <<<"$public" | sort -u) <(echo "$declared") | sed -n 2p)"
version=$(pkg-config --modversion libkexec)
used=$(nm -D --undefined-only "$prefix/sbin/kexec" "$prefix/sbin/vmcore-dmesg" | sed -n "s/^ *U \(.*\)@LIBKEXEC_PRIVATE_$version/\1/p" | sort -u)
verdict private "$(diff <(exported | sed -n "s/ LIBKEXEC_PRIVATE_$version\$//p") <(echo "$used") | sed -n 2p)"
verdict archive "$(diff <(cut -d' ' -f1 <<<"$public" | sort -u) \
	<(nm -g --defined-only "$lib/libkexec.a" | awk 'NF == 3 { print $3 }' | sort -u) | sed -n 2p)"

# single NAME PROGRAM: nothing that the library defines is in it.
single() {
	local twice
	twice=$(comm -12 <(nm "$2" | awk '$2 ~ /[TDBRWV]/ { print $3 }' | sort -u) \
		<(nm -g --defined-only "$B/libkexec-core.a" "$B/libkexec-edge.a" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u))
	readelf -d "$2" | grep -F 'Shared library: [libkexec.so.1]' >/dev/null || twice="no libkexec.so.1"
	verdict "single-$1" "$(head -1 <<<"$twice")"
}

# What would change the process, or speak for it.
odd=$(nm -D --undefined-only "$lib/libkexec.so.1" | sed 's/^ *[Uw] //; s/@.*//' | grep -xE \
	'_?exit|_Exit|quick_exit|abort|atexit|.*assert.*|(v?printf|puts|putchar|perror)(_chk)?|__v?printf_chk|std(out|err)|(set|secure_)?getenv|(un)?setenv|putenv|clearenv|setlocale|strtok|signal|sigaction|sigprocmask|raise|kill|fork|vfork|chdir|umask|rand|srand|random|localtime|gmtime|ctime|asctime|readdir_r|pthread_create|err|errx|warn|warnx|syslog')
verdict calls "${odd//$'\n'/ }"

# --- the example ----------------------------------------------------------------

# example NAME COMPILER...: it is built and its segments are the command's.
example() {
	local name=$1 why= machine
	shift
	"$@" -o "$scratch/$name" >"$scratch/log" 2>&1 || {
		verdict "example-$name" "$(head -1 "$scratch/log")"
		return
	}
	for machine in bios-1g ovmf-1g numa-4; do
		harmless "$scratch/$name" --machine="$top/tests/sysroot/$machine" "$scratch/vmlinuz" "$scratch/initrd" quiet \
			2>&1 >"$scratch/said" | sed 's/^plan: //' >"$scratch/warned"
		harmless "$prefix/sbin/kexec" --sysroot="$top/tests/sysroot/$machine" --json -l "$scratch/vmlinuz" --initrd="$scratch/initrd" \
			--append=quiet 2>/dev/null >"$scratch/json"
		python3 - "$scratch/json" >"$scratch/wanted" <<-'END'
			import json, sys
			plan = json.load(open(sys.argv[1]))
			for segment in plan["segments"]:
			    print("%s-%s %s" % (segment["start"], segment["end"], segment["name"]))
			print("entry %s, then %s" % (plan["entry"], plan["kernel"]["entry"]))
		END
		[ -s "$scratch/wanted" ] || why="$machine: the command has no plan"
		cmp -s "$scratch/wanted" "$scratch/said" || why="$machine: $(diff "$scratch/wanted" "$scratch/said" | sed -n 2p)"
	done
	harmless "$scratch/$name" --machine="$top/tests/sysroot/bios-1g" --load "$scratch/vmlinuz" >"$scratch/said" 2>&1 &&
		why="loads on a captured machine"
	grep -qxF 'plan: nothing can be loaded on another machine than the running one; try: kexec_machine_open_live()' "$scratch/said" ||
		why=${why:-says $(head -1 "$scratch/said")}
	verdict "example-$name" "$why"
}

"$B/tests/golden/mkimage" "$scratch/vmlinuz" || verdict image "cannot be made"
printf '070701' >"$scratch/initrd"
cp "$top/examples/plan.c" "$scratch/plan.c"
ln -s plan.c "$scratch/plan.cc"
sed -n '/^\.\\" example$/,/^\.\\" end/p' "$prefix/share/man/man3/libkexec.3" | sed '/^\.\\"/d; s/\\e/\\/g' >"$scratch/manual.c"
strict=(-Wall -Wextra -Werror -pedantic)
cd "$scratch" || exit 1
example c99 gcc -std=c99 -D_POSIX_C_SOURCE=200809L "${strict[@]}" plan.c "${cflags[@]}" "${libs[@]}"
if command -v g++ >/dev/null; then
	example c++ g++ -std=c++11 "${strict[@]}" plan.cc "${cflags[@]}" "${libs[@]}"
else
	echo "skip libkexec/example-c++: there is no g++"
fi
example static gcc "${strict[@]}" plan.c "${cflags[@]}" "$lib/libkexec.a" "${static_libs[@]}" -lbz2
single kexec "$prefix/sbin/kexec"
single vmcore-dmesg "$prefix/sbin/vmcore-dmesg"
[ ! -e "$scratch/c99" ] || single example "$scratch/c99"
gcc -std=c99 "${strict[@]}" manual.c "${cflags[@]}" "${libs[@]}" -o manual 2>log
verdict manual "$([ -x manual ] || head -1 log)"
# The header alone, and twice.
printf '#include <libkexec.h>\n#include <libkexec.h>\nint main(void) { return !kexec_version(); }\n' >alone.c
gcc -std=c99 "${strict[@]}" alone.c "${cflags[@]}" "${libs[@]}" -o alone 2>log && harmless ./alone
verdict header-alone "$([ $? = 0 ] || head -1 log)"
harmless "$prefix/sbin/kexec" --version >said 2>&1
verdict installed "$(grep -vxF "safekexec $version" said)"
exit $failed
