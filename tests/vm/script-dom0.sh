# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# In the dom0 of a Xen that our loader started.
. /guest.sh
say "dom0=$(cat /sys/hypervisor/type) $(cat /sys/hypervisor/properties/features) $(cat /sys/hypervisor/version/*  | tr '\n' ' ')"
say "words=$(cat /proc/cmdline)"
say "acpi=$(ls /sys/firmware/acpi/tables | wc -l)"
