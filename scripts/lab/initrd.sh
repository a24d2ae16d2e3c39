# SPDX-License-Identifier: GPL-2.0
# Guests with more programs than busybox.
# shellcheck shell=bash

# initrd_with PROGRAM...: /tmp/initrd is the guests' with programs of this machine
# in /bin, and the libraries that they need
initrd_with()
{
	local dir=/tmp/extra program

	mkdir -p "$dir/bin"
	for program; do
		cp -L "$program" "$dir/bin/" || return
		# shellcheck disable=SC2046 # one word each
		! ldd "$program" >/dev/null 2>&1 ||
			cp -L --parents $(ldd "$program" | grep -o '/[^ ]*') "$dir"
	done
	(cd "$dir" && find . | cpio -o -H newc --quiet | gzip -1) | cat "$LAB_GUEST_INITRD" - >/tmp/initrd
	rm -r "$dir"
}
