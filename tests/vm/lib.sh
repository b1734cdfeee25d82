# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Virtual machines for tests: initramfs images, QEMU runs, expectations.
#
# A suite sources this file, defines a function case_NAME for each case and ends
# with `vm_cases NAME...`. Every case runs in a shell of its own, VM_JOBS (2) side
# by side, and prints one line: `ok NAME`, `not ok NAME: why` or `skip NAME: why`.
# Arguments of the suite are the names of the cases to run; --list lists them.
#
# Environment: FULL=1 runs the complete set; VM_JOBS; KEXEC, the static loader to
# test (build-static/sbin/kexec); VM_PACKAGES, what fetches kernels (tests/packages).
set -u -o pipefail

vm_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
vm_here=$vm_top/tests/vm
vm_logs=$vm_top/build/log/vm
vm_scratch=${VM_SCRATCH:-$vm_top/build/vm}
# What every kernel is told, here and in guest.sh. On a busy host the check of the timer
# fails under emulation.
vm_cmdline='console=ttyS0 panic=-1 no_timer_check'
vm_suite=$(basename "$0" .sh)
vm_suite=${vm_suite#suite-}
vm_ovmf_code=/usr/share/OVMF/OVMF_CODE_4M.fd
vm_ovmf_vars=/usr/share/OVMF/OVMF_VARS_4M.fd
VM_JOBS=${VM_JOBS:-2}
VM_PACKAGES=${VM_PACKAGES:-$vm_top/tests/packages}
KEXEC=${KEXEC:-$vm_top/build-static/sbin/kexec}
FULL=${FULL:-}

# --- verdicts ----------------------------------------------------------------

# The first verdict of a case is printed and stands, from whatever subshell it comes.
verdict() {
	[ ! -e "$case_dir/verdict" ] || return 0
	echo "$*" >"$case_dir/verdict"
	echo "$*" >&3
}

fail() {
	verdict "not ok $vm_suite/$VM_CASE: $*"
	exit 1
}

skip() {
	verdict "skip $vm_suite/$VM_CASE: $*"
	exit 77
}

# Runs one case in a directory of its own, $case_dir, which stays if the case fails.
vm_case() {
	local started=$SECONDS
	VM_CASE=$1
	case_dir=$vm_scratch/$vm_suite/$VM_CASE
	vm_children=()
	rm -rf "$case_dir"
	mkdir -p "$case_dir" "$vm_logs"
	exec 3>&1
	trap vm_case_ends EXIT
	"case_$VM_CASE" || exit
	verdict "ok $vm_suite/$VM_CASE ($((SECONDS - started)) s)"
	exit 0
}

vm_case_ends() {
	local status=$?
	[ ${#vm_children[@]} = 0 ] || kill -KILL "${vm_children[@]}" 2>/dev/null
	verdict "not ok $vm_suite/$VM_CASE: the case itself broke off with status $status"
	case $(cat "$case_dir/verdict") in
	ok*) rm -rf "$case_dir" && exit 0 ;;
	skip*) rm -rf "$case_dir" && exit 77 ;;
	*) exit 1 ;;
	esac
}

# vm_cases NAME...: runs all of them, or those that vm_arguments names. 0 if none failed.
vm_cases() {
	local name running=0 failed=0 wanted=("$@")

	if [ "${vm_arguments[0]:-}" = --list ]; then
		printf '%s\n' "$@"
		exit 0
	fi
	[ ${#vm_arguments[@]} = 0 ] || wanted=("${vm_arguments[@]}")
	for name in "${wanted[@]}"; do
		if [ $running -ge "$VM_JOBS" ]; then
			vm_reap || failed=1
			running=$((running - 1))
		fi
		(vm_case "$name") &
		running=$((running + 1))
	done
	while [ $running -gt 0 ]; do
		vm_reap || failed=1
		running=$((running - 1))
	done
	return $failed
}

# Waits for a case to end; false if it failed.
vm_reap() {
	wait -n
	[ $? != 1 ]
}

vm_arguments=("$@")

# --- what goes into a guest --------------------------------------------------

need() {
	local tool
	for tool; do
		command -v "$tool" >/dev/null 2>&1 || [ -e "$tool" ] || skip "$tool is not there"
	done
}

# The loader under test: without it nothing is tested, which is no reason to be content.
need_loader() {
	[ -x "$KEXEC" ] || fail "$KEXEC is not there: build it with ./configure --enable-static"
}

# build_program OUT FLAG...: tests/vm/program.c, linked at 4 MiB, or where START says.
build_program() {
	local out=$1
	shift
	need gcc
	gcc -std=gnu11 -O1 -Wall -Wextra -Werror -ffreestanding -nostdlib -static -fno-stack-protector -fcf-protection=none \
		-fno-pie -fno-jump-tables -fno-asynchronous-unwind-tables -mno-sse -mno-mmx -mno-red-zone \
		-Wl,--build-id=none "-Wl,--defsym=START=${START:-0x400000}" -T "$vm_here/program.lds" "$vm_here/program.c" \
		"$@" -o "$out" || fail "program.c cannot be built"
}

# kernel_dir VERSION: directory with vmlinuz and lib/modules.
kernel_dir() {
	"$VM_PACKAGES" --kernel "$1" || fail "kernel $1 cannot be had"
}

# modules KERNEL_DIR NAME...: FILE=TARGET words that put these modules, and what
# they depend on, into an initramfs in the order of loading. A module that is
# built in, or that this kernel does not have, is left out.
modules() {
	local dir=$1 out name
	shift
	out=$vm_scratch/modules/$(basename "$(echo "$dir"/lib/modules/*)")
	mkdir -p "$out"
	for name; do
		module_tree "$dir" "$name" "$out"
	done | awk '!seen[$0]++ { sub(/.*\//, "", $0); printf "'"$out"'/%s=/modules/%02d-%s\n", $0, NR, $0 }'
}

module_tree() {
	local file base depends
	file=$(find "$1/lib/modules/" -name "$2.ko*" -o -name "${2//_/-}.ko*" | head -n 1)
	[ -n "$file" ] || return 0
	base=$3/$2.ko
	if [ ! -e "$base" ]; then
		case $file in
		*.xz) xz -dc "$file" ;;
		*) cat "$file" ;;
		esac >"$base.$BASHPID" && mv "$base.$BASHPID" "$base"
	fi
	depends=$(tr '\0' '\n' <"$base" | sed -n 's/^depends=//p' | head -n 1)
	for depends in ${depends//,/ }; do
		module_tree "$1" "$depends" "$3"
	done
	echo "$base"
}

# What a dynamic program needs: the loader at its path, the libraries in /lib, where
# init looks. Those of an unpacked package are found beside it.
add_libraries() {
	local library needed
	needed=$(LD_LIBRARY_PATH=$(dirname "$2")/../usr/lib/x86_64-linux-gnu:$(dirname "$2")/../lib/x86_64-linux-gnu ldd "$2" 2>/dev/null)
	library=$(sed -n 's/^\s*\(.*\) => not found/\1/p' <<<"$needed" | tr '\n' ' ')
	[ -z "$library" ] || fail "$2 needs libraries that are not there: $library"
	for library in $(grep -o '/[^ ]*' <<<"$needed"); do
		case $library in
		*/ld-linux*) install -D "$library" "$1$library" ;;
		*) install -D "$library" "$1/lib/$(basename "$library")" ;;
		esac
	done
}

# pack OUT FILE=TARGET...: a newc archive. A dynamic program brings its libraries.
# TARGET ending in a slash makes a directory (FILE is ignored then).
pack() {
	local out=$1 tree word file target
	shift
	tree=$(mktemp -d "$vm_scratch/tree.XXXXXX")
	for word; do
		file=${word%%=*}
		target=$tree${word#*=}
		if [ "${target%/}" != "$target" ]; then
			mkdir -p "$target"
			continue
		fi
		mkdir -p "$(dirname "$target")"
		cp -L "$file" "$target" || fail "$file is not there"
		if [ -x "$file" ] && [ "$(head -c 4 "$file" | tr -d '\177\0')" = ELF ]; then
			add_libraries "$tree" "$file"
		fi
	done
	(cd "$tree" && find . -mindepth 1 | sort | busybox cpio -o -H newc -R 0:0) >"$out" 2>/dev/null
	rm -rf "$tree"
}

# make_initramfs OUT SCRIPT [FILE=TARGET]...: busybox, tests/vm/init as /init, the
# guest's functions, SCRIPT as /script. init mounts what can be mounted, loads
# /modules/* in order, runs /script and powers off.
make_initramfs() {
	local out=$1 script=$2
	shift 2
	need busybox
	pack "$out" "$(command -v busybox)=/bin/busybox" "$vm_here/init=/init" \
		"$vm_here/guest.sh=/guest.sh" "$script=/script" "$@"
}

# unsigned KERNEL: its vmlinuz without a signature, $case_dir/unsigned.
unsigned() {
	need sbattach
	cp "$1/vmlinuz" "$case_dir/unsigned"
	chmod u+w "$case_dir/unsigned"
	sbattach --remove "$case_dir/unsigned" || fail "the signature cannot be removed"
}

# signed KERNEL: its vmlinuz, signed with the key that the firmware "secure" trusts, $case_dir/vmlinuz; and $case_dir/unsigned.
signed() {
	local key=/usr/share/ovmf/PkKek-1-snakeoil
	need sbsign openssl
	unsigned "$1"
	openssl rsa -in $key.key -passin pass:snakeoil -out "$case_dir/key" 2>"$case_dir/said" &&
		sbsign --key "$case_dir/key" --cert $key.pem --output "$case_dir/vmlinuz" \
			"$case_dir/unsigned" >>"$case_dir/said" 2>&1 || fail "$(tail -n 1 "$case_dir/said")"
}

# Debian's newest systemd, with its stubs, is below $tools.
need_ukify() {
	need python3
	tools=$("$VM_PACKAGES" --ukify) || fail "ukify cannot be had"
}

# ukify ARGUMENT...: makes a unified kernel image, or a part of one.
ukify() {
	PYTHONPATH=$tools/usr/lib/python3/dist-packages python3 "$tools/usr/bin/ukify" build --efi-arch=x64 "$@" \
		>>"$case_dir/ukify.log" 2>&1 || fail "ukify failed: $(tail -1 "$case_dir/ukify.log")"
}

# build_pins OUT: tests/vm/pins.c as an EFI application.
build_pins() {
	need clang lld-link /usr/include/efi/efi.h
	clang --target=x86_64-unknown-windows -ffreestanding -mno-red-zone -fshort-wchar -O2 -Wall -Wextra \
		-DGNU_EFI_USE_MS_ABI -DHAVE_USE_MS_ABI -I/usr/include/efi -I/usr/include/efi/x86_64 \
		-c "$vm_here/pins.c" -o "$1.o" || fail "pins.c cannot be compiled"
	lld-link /subsystem:efi_application /entry:efi_main /nodefaultlib "/out:$1" "$1.o" ||
		fail "pins.c cannot be linked"
}

# --- QEMU --------------------------------------------------------------------

# vm_run NAME --firmware bios|ovmf|secure [--mem 1G] [--cpus N] --kernel V --initrd I
#        [--append A] [--timeout S] [--esp DIR] [--trust DER] [QEMU argument]...
# The serial console goes to $log, build/log/vm/SUITE-CASE-NAME.log. A guest that
# resets ends QEMU. --esp replaces --kernel: UEFI boots from that directory. --trust: a certificate whose signatures the
# firmware takes, too.
# At its timeout (120 s) it is killed, and the case fails.
vm_run() {
	vm_start "$@"
	vm_wait
}

vm_start() {
	local name=$1 firmware=bios mem=1G cpus=1 kernel='' initrd='' append='' esp='' trust=''
	local qemu code vars
	shift
	vm_timeout=120
	while [ $# -gt 0 ]; do
		case $1 in
		--firmware) firmware=$2 ;;
		--mem) mem=$2 ;;
		--cpus) cpus=$2 ;;
		--kernel) kernel=$2 ;;
		--initrd) initrd=$2 ;;
		--append) append=$2 ;;
		--timeout) vm_timeout=$2 ;;
		--esp) esp=$2 ;;
		--trust) trust=$2 ;;
		*) break ;;
		esac
		shift 2
	done
	need qemu-system-x86_64
	log=$vm_logs/$vm_suite-$VM_CASE${name:+-$name}.log
	qemu=(qemu-system-x86_64 -machine "q35,accel=tcg" -cpu max -m "$mem" -smp "$cpus"
		-nodefaults -no-user-config -nic none -vga none -display none -monitor none -no-reboot
		-serial "file:$log.raw")
	if [ "$firmware" != bios ]; then
		code=$vm_ovmf_code vars=$vm_ovmf_vars
		if [ "$firmware" = secure ]; then
			code=${code%.fd}.secboot.fd vars=${vars%.fd}.snakeoil.fd
			qemu+=(-machine smm=on -global driver=cfi.pflash01,property=secure,value=on)
		fi
		need "$code" "$vars"
		cp "$vars" "$case_dir/vars$name.fd"
		[ -z "$trust" ] || "$vm_here/enroll.py" "$case_dir/vars$name.fd" "$trust" || fail "$trust cannot be enrolled"
		qemu+=(-drive "if=pflash,format=raw,unit=0,readonly=on,file=$code"
			-drive "if=pflash,format=raw,unit=1,file=$case_dir/vars$name.fd")
	fi
	if [ -n "$esp" ]; then
		qemu+=(-drive "if=none,id=esp,format=raw,file=fat:rw:$esp"
			-device "ide-hd,drive=esp,bootindex=0")
	else
		qemu+=(-kernel "$kernel" -initrd "$initrd" -append "$vm_cmdline $append")
	fi
	qemu+=("$@")
	: >"$log.raw"
	printf '%q ' "${qemu[@]}" >"$log.qemu"
	"${qemu[@]}" >>"$log.qemu" 2>&1 &
	vm_pid=$!
	vm_children+=("$vm_pid")
	vm_started=$SECONDS
}

# Waits for the guest that vm_start started to end, kills it at its timeout.
vm_wait() {
	local timed_out='' status
	while kill -0 "$vm_pid" 2>/dev/null; do
		if [ $((SECONDS - vm_started)) -ge "$vm_timeout" ]; then
			timed_out=yes
			kill -KILL "$vm_pid" 2>/dev/null
			break
		fi
		sleep 0.2
	done
	wait "$vm_pid" 2>/dev/null
	status=$?
	vm_clean_log
	[ -z "$timed_out" ] || fail "the guest did not end within ${vm_timeout}s, see $log"
	[ $status = 0 ] || fail "QEMU ended with status $status, see $log.qemu"
}

# Ends a guest that does not end by itself.
vm_stop() {
	kill -KILL "$vm_pid" 2>/dev/null
	wait "$vm_pid" 2>/dev/null
	vm_clean_log
}

# $log as text: without carriage returns and the firmware's escape sequences.
vm_clean_log() {
	sed -e 's/\x1b\[[0-9;=]*[A-Za-z]//g' -e 's/\r//g' "$log.raw" >"$log"
}

# Waits until a line that matches is in the running guest's log.
vm_await() {
	while ! grep -aqE -- "$1" "$log.raw"; do
		kill -0 "$vm_pid" 2>/dev/null || {
			vm_clean_log
			fail "the guest ended before \"$1\", see $log"
		}
		[ $((SECONDS - vm_started)) -lt "$vm_timeout" ] || {
			kill -KILL "$vm_pid"
			vm_clean_log
			fail "no \"$1\" within ${vm_timeout}s, see $log"
		}
		sleep 0.1
	done
}

# --- expectations ------------------------------------------------------------

expect_line() {
	grep -aqE -- "$2" "$1" || fail "no line matches \"$2\" in $1"
}

expect_no_line() {
	! grep -aqE -- "$2" "$1" || fail "$(grep -aE -m1 -- "$2" "$1"): this should not be in $1"
}

# expect_count LOG REGEX N
expect_count() {
	local count
	count=$(grep -acE -- "$2" "$1")
	[ "$count" = "$3" ] || fail "$count lines match \"$2\" in $1, not $3"
}

expect_equal() {
	[ "$2" = "$3" ] || fail "$1: \"$2\", expected \"$3\""
}

# block LOG NAME: the lines between the markers that guest.sh's block() prints.
block() {
	sed -n "/^@ begin $2\$/,/^@ end $2\$/p" "$1" | sed -e '1d' -e '$d'
}

# value LOG KEY: of the guest's first line "@ KEY=value".
value() {
	sed -n "s/^@ $2=//p" "$1" | head -n 1
}

# The facts of two stages of one guest are there and the same.
expect_same_facts() {
	local log=$1 one two
	one=$(block "$log" "facts $2")
	two=$(block "$log" "facts $3")
	[ -n "$one" ] || fail "no facts of stage $2 in $log"
	[ -n "$two" ] || fail "no facts of stage $3 in $log"
	[ "$one" = "$two" ] ||
		fail "stage $3 differs from stage $2 in $log: $(diff <(echo "$one") <(echo "$two") |
			grep '^[<>]' | head -n 4 | tr '\n' ';')"
}

# plan_field LOG STAGE EXPRESSION: of the plan that the guest printed as JSON; `p`
# is the plan in the Python expression. How far a slow machine was may stand before it.
plan_field() {
	block "$1" "plan $2" | sed '1s/^[^{]*//' | python3 -c "
import json, sys
p = json.load(sys.stdin)
print($3)" 2>/dev/null || fail "no plan of stage $2, or without $3, in $1"
}

# The kernel of stage N runs where the plan of stage N - 1 said.
expect_planned_place() {
	local planned runs
	planned=$(plan_field "$1" $(($2 - 1)) 'int(p["footprint"]["start"], 16)') || exit
	runs=$(value "$1" "kernel-code $2")
	[ -n "$runs" ] || fail "no kernel-code of stage $2 in $1"
	expect_equal "stage $2: address of \"Kernel code\"" $((16#$runs)) "$planned"
}
