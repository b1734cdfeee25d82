# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# In a guest: a capture as text on the console.
. /guest.sh
block capture sh /capture /machine
block tree sh -c 'cd /machine && tar cf - . | gzip | base64'
