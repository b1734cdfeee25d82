# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Debian's crash opens a dump with the kernel's debug symbols: the log, the processes, the task that
# panicked, on its CPU. Its `ps` (8.0.2) finds of a 6.1 kernel only what is on a CPU, whatever
# loader made the dump: the processes are listed by the kernel's own list of them, besides.

# crash DUMP OUT: what it prints.
crash() {
	local vmlinux dir
	vmlinux=$("$VM_PACKAGES" --debug 6.1-cloud) || fail "debug symbols cannot be had"
	dir=$("$VM_PACKAGES" --crash) || fail "crash cannot be had"
	printf '%s\n' log ps 'bt -a' 'kmem -i' \
		'list -o task_struct.tasks -s task_struct.pid,comm -h init_task' quit |
		LD_LIBRARY_PATH=$dir/usr/lib/x86_64-linux-gnu timeout 300 "$dir/usr/bin/crash" -s "$vmlinux" "$1" >"$2" 2>&1 ||
		fail "crash: $(tail -n 1 "$2")"
}

# The list of processes that crash printed: "ID NAME" lines, without the brackets that a child of
# systemd has in its name until it executes its program.
processes() {
	sed -n -E 's/^ *pid = ([0-9]+),.*/\1/p; s/^ *comm = "(.*)",?$/\1/p' "$1" | sed 's/\\000//g; s/[()]//g' | paste -d ' ' - -
}

# crash_judge DUMP CPU PROCESSES: a shell's panic by sysrq on that CPU of 4. PROCESSES are lines
# "ID (NAME)", as the kernel showed them before.
crash_judge() {
	local id name missing='' out
	out=${log%.log}-$(basename "$1").txt
	crash "$1" "$out"
	expect_line "$out" 'sysrq: Trigger a crash'
	expect_line "$out" "^ *PID: .* CPU: $2 +COMMAND: \"sh\""
	expect_line "$out" '^ *#[0-9]+ .* sysrq_handle_crash at '
	expect_count "$out" '^ *PID: .* CPU: [0-9] +COMMAND:' 4
	expect_line "$out" '^ *TOTAL MEM +[0-9]+ '
	expect_line "$out" "^> +[0-9]+ .* $2 .* RU .* sh\$"
	# Without brackets, and without what a worker is busy with.
	while read -r id name; do
		name=$(sed -E 's/[()]//g; s|^(kworker/[^-+]*)[-+].*|\1|' <<<"$name")
		# Where there is no terminal, systemd starts it again and again.
		[ "$name" != agetty ] || continue
		processes "$out" | grep -qFx "$id ${name:0:15}" || missing="$missing $id $name,"
	done <"$3"
	# The process that listed them is gone, and a worker may be.
	[ "$(tr -cd , <<<"$missing" | wc -c)" -le 3 ] || fail "crash's list does not show$missing see $out"
}
