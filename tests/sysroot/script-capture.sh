# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# In a guest: a capture as text on the console.
. /guest.sh
block capture kexec --capture=/machine.tar --capture-cmdline
block tree sh -c 'gzip </machine.tar | base64'
